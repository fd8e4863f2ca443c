// The program that sshd runs for a peer's key whatever the peer asks for: it receives files by rsync, and nothing else.
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * A POSIX shell script, because it stands inside the pause of a migration: dash starts in a millisecond. Nothing of
 * the request is evaluated: it is cut at spaces, every word is held against a list, and rsync is started with the
 * words. What is not on the list is refused:
 * - `-s` (the true arguments would follow out of sight), `--sender` (reading), every option that names a path
 *   (`--log-file`, `--temp-dir`, `--backup-dir`, `--copy-dest` …);
 * - `-K` and `--no-implied-dirs`, with which rsync follows a symbolic link that an earlier delivery left;
 * - any destination but `m-…` (a migration's) and `images/<digest>`. Their parents are never a destination, so no
 *   delivery can put a symbolic link in the way of a later one.
 */
export const receiveGuard = `#!/bin/sh
# Receives files of a peer by rsync below the folder $1, and does nothing else. Written by cmig-agent at its start.
set -fu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077

refuse() {
  printf 'cmig: refused: %s\\n' "$1" >&2
  exit 126
}

incoming=$1
request=\${SSH_ORIGINAL_COMMAND-}
case $request in
'') refuse 'this key opens no shell, it only delivers files' ;;
*[!A-Za-z0-9\\ ./=@-]*) refuse 'a character that no delivery of cmig has' ;;
esac
IFS=' '
set -- $request
[ "\${1-}" = rsync ] && [ "\${2-}" = --server ] || refuse 'this key only delivers files by rsync'
shift

ended= folder=
for word; do
  if [ -n "$ended" ]; then
    [ -z "$folder" ] || refuse 'more than one destination'
    folder=$word
    continue
  fi
  case $word in
  .) ended=yes ;;
  --server | --delete | --delete-before | --delete-during | --delete-delay | --delete-after | --delete-excluded) ;;
  --inplace | --numeric-ids | --stats | --force | --fsync | --preallocate | --partial | -@-1 | --modify-window=-1) ;;
  --checksum-choice=none | --checksum-choice=xxh128 | --checksum-choice=xxh64 | --checksum-choice=md5) ;;
  --timeout=* | --bwlimit=*)
    case \${word#*=} in '' | *[!0-9]*) refuse "the option $word" ;; esac
    ;;
  --*) refuse "the option $word" ;;
  -*e.*)
    letters=\${word#-}
    case \${letters%%e.*} in *[!vlHogDtpAXrRSWOJdIcn]*) refuse "the options $word" ;; esac
    case \${letters#*e.} in *[!A-Za-z]*) refuse "the options $word" ;; esac
    ;;
  *) refuse "the word $word" ;;
  esac
done

folder=\${folder%/}
case $folder in
images/*)
  digest=\${folder#images/}
  case $digest in *[!0-9a-f]*) refuse "the destination $folder" ;; esac
  [ \${#digest} -eq 64 ] || refuse "the destination $folder"
  ;;
m-*) case $folder in *[!a-z0-9-]*) refuse "the destination $folder" ;; esac ;;
*) refuse "the destination $folder" ;;
esac

cd -P -- "$incoming" || refuse 'there is no folder for deliveries'
[ ! -L images ] && [ ! -L "$folder" ] || refuse "the destination $folder is a symbolic link"
# A migration's folder is made by this host's agent, and gone once it has turned back: what comes late finds none.
case $folder in images/*) mkdir -p -- "$folder" || refuse "the destination $folder cannot be made" ;; esac
[ -d "$folder" ] || refuse "nothing is expected in $folder"
exec rsync "$@"
`;

/** Writes the guard where sshd will find it, in one step, so that a delivery under way never reads half a script. */
export async function installReceiveGuard(sshDirectory: string): Promise<string> {
  const file = join(sshDirectory, 'receive');
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present === receiveGuard) return file;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, receiveGuard);
  await chmod(`${file}.new`, 0o755);
  await rename(`${file}.new`, file);
  return file;
}
