// Users and groups by the rules of Docker: a name or a number, looked up in an image's /etc/passwd and /etc/group.
import { CmigError } from '../../core/errors.ts';

/** The text of an image's files; empty where it has none. */
export interface AccountFiles {
  passwd: string;
  group: string;
}

export interface Account {
  uid: number;
  gid: number;
  /** Further groups. */
  groups: number[];
}

interface User {
  name: string;
  uid: number;
  gid: number;
}

interface Group {
  name: string;
  gid: number;
  members: string[];
}

const largestId = 2 ** 32 - 2;
const idOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[0-9]+$/.test(text) && Number(text) <= largestId ? Number(text) : undefined;

/**
 * `user`, `user:group`, each a name or a number. Without a group it is the user's own, and its further ones count; a
 * number that /etc/passwd does not know has the group `unknownGroup`.
 * @throws CmigError `invalid` where there is no such user or group
 */
export function findAccount(
  text: string,
  files: AccountFiles,
  unknownGroup: (uid: number) => number = () => 0,
): Account {
  const colon = text.indexOf(':');
  const userText = colon < 0 ? text : text.slice(0, colon);
  const groupText = colon < 0 ? undefined : text.slice(colon + 1);
  const users = readUsers(files.passwd);
  const user = users.find(({ name }) => name === userText) ?? users.find(({ uid }) => uid === idOf(userText));
  const uid = user?.uid ?? (userText === '' ? 0 : idOf(userText));
  if (uid === undefined) throw unknown('user', userText, '/etc/passwd', users);
  const groups = readGroups(files.group);
  if (groupText) {
    const group = groups.find(({ name }) => name === groupText);
    const gid = group?.gid ?? idOf(groupText);
    if (gid === undefined) throw unknown('group', groupText, '/etc/group', groups);
    return { uid, gid, groups: [] };
  }
  const gid = user?.gid ?? unknownGroup(uid);
  const further = user ? groups.filter(({ members }) => members.includes(user.name)) : [];
  return { uid, gid, groups: [...new Set(further.map((group) => group.gid))].filter((each) => each !== gid) };
}

function unknown(what: string, name: string, file: string, known: readonly { name: string }[]): CmigError {
  const names = known.slice(0, 12).map((each) => each.name);
  return new CmigError('invalid', `there is no ${what} ${JSON.stringify(name)} in the image's ${file}`, {
    hint: names.length > 0 ? `it knows ${names.join(', ')}` : 'the image has no such file: write the number',
  });
}

/** name:password:uid:gid:… as of passwd(5). */
const readUsers = (text: string): User[] =>
  records(text).flatMap(([name, , uidText, gidText]) => {
    const [uid, gid] = [idOf(uidText), idOf(gidText)];
    return name && uid !== undefined && gid !== undefined ? [{ name, uid, gid }] : [];
  });

/** name:password:gid:members as of group(5). */
const readGroups = (text: string): Group[] =>
  records(text).flatMap(([name, , gidText, members = '']) => {
    const gid = idOf(gidText);
    return name && gid !== undefined ? [{ name, gid, members: members.split(',').filter(Boolean) }] : [];
  });

const records = (text: string): string[][] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(':'));
