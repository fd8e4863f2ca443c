// The verbs of kubectl and docker that are none here, for those whose fingers write them.

const changed = 'change its manifest and apply that: cmig apply -f FILE';
const restarted = 'cmig stop APP, then cmig start APP';

/** What comes nearest to it here. */
export const foreignCommands: Readonly<Record<string, string>> = {
  annotate: changed,
  attach: 'cmig logs APP -f, or cmig exec APP -it -- sh',
  'api-resources': 'cmig explain KIND.FIELD; the kinds are those of cmig get',
  'cluster-info': 'cmig get hosts, and cmig config get-contexts',
  cp: 'cmig exec APP -- cat FILE > FILE, or cmig exec APP -i -- sh -c "cat > FILE" < FILE',
  create: 'cmig apply -f FILE',
  debug: 'cmig exec APP -it -- sh, and cmig host doctor',
  edit: changed,
  expose: 'name its ports in its manifest: cmig explain application.spec.network.ports',
  inspect: 'cmig describe KIND NAME, or cmig get KIND NAME -o yaml',
  kill: 'cmig stop APP',
  label: changed,
  ls: 'cmig get apps',
  patch: changed,
  'port-forward': 'name its ports in its manifest: cmig explain application.spec.network.ports',
  ps: 'cmig get apps',
  replace: 'cmig apply -f FILE',
  restart: restarted,
  rollout: restarted,
  run: 'cmig apply -f FILE',
  scale: 'cmig stop APP and cmig start APP; an application is there once',
  set: changed,
  status: 'cmig get all, or cmig topology',
  taint: 'cmig cordon HOST',
  wait: 'cmig apply --wait -f FILE, or cmig get apps -w',
};
