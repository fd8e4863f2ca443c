// `cmig completion`: the scripts by which shells ask `cmig __complete`.
import type { Invocation } from '../command.ts';

const bash = `# bash completion of cmig
_cmig() {
  # COMP_WORDS splits at = and :, which our words may hold.
  local line=\${COMP_LINE:0:COMP_POINT} cur candidates candidate
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur=\${words[\${#words[@]}-1]}
  candidates=$("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null) || return
  COMPREPLY=()
  while IFS= read -r candidate; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY+=($(compgen -f -- "$cur"))
    elif [[ -n $candidate ]]; then
      candidate=\${candidate%%$'\\t'*}
      # Readline puts back only what follows the last = or :.
      [[ $cur == *[=:]* ]] && candidate=\${candidate#"\${cur%"\${cur##*[=:]}"}"}
      COMPREPLY+=("$candidate")
      # What follows = or / belongs to the same word.
      [[ $candidate == *[=/] ]] && compopt -o nospace 2>/dev/null
    fi
  done <<<"$candidates"
}
complete -F _cmig cmig
`;

const zsh = `#compdef cmig
# zsh completion of cmig
_cmig() {
  local -a candidates unfinished
  local line word candidate
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
    elif [[ -n $line ]]; then
      word=\${line%%$'\\t'*}
      candidate="\${word//:/\\\\:}\${\${line#$word}/$'\\t'/:}"
      # What follows = or / belongs to the same word.
      if [[ $word == *[=/] ]]; then unfinished+=("$candidate"); else candidates+=("$candidate"); fi
    fi
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} + \${#unfinished} )) && _describe cmig candidates -- unfinished -S ''
}
if [[ $funcstack[1] == _cmig ]]; then
  _cmig "$@"
else
  compdef _cmig cmig
fi
`;

const fish = `# fish completion of cmig
function __cmig_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            printf '%s\\n' $line
        end
    end
end
complete -c cmig -f -a '(__cmig_complete)'
`;

const scripts: Record<string, string> = { bash, zsh, fish };

export async function run(invocation: Invocation): Promise<void> {
  invocation.stdout.write(scripts[invocation.required('SHELL')]!);
}
