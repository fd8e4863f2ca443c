// Where a lab keeps what it must not forget: one folder, removed by `down`.
import { join } from 'node:path';

const parentFolder = (): string => process.env.CMIG_LAB_DIR || '/var/lib/cmig-lab';

export class LabPaths {
  readonly directory: string;

  constructor(lab: string) {
    this.directory = join(parentFolder(), lab);
  }

  /** All labs' folders. */
  static get parent(): string {
    return parentFolder();
  }

  get plan(): string {
    return join(this.directory, 'lab.json');
  }

  /** What was done to hosts' links, to be done again after a restart. */
  get links(): string {
    return join(this.directory, 'links.json');
  }

  get bootScript(): string {
    return join(this.directory, 'boot.sh');
  }

  get credentials(): string {
    return join(this.directory, 'broker-credentials');
  }

  /** With TLS: the authority of this lab. */
  get authority(): string {
    return join(this.directory, 'authority');
  }

  /** With TLS: the certificates of its operators. */
  get certificates(): string {
    return join(this.directory, 'certificates');
  }

  /** Says which process holds the lab's network, once the network is complete. */
  get networkReady(): string {
    return join(this.directory, 'network-ready');
  }

  machine(name: string): MachinePaths {
    return new MachinePaths(join(this.directory, name));
  }
}

/** The folder of one machine; what is in `data`, `log` and `etc` is its disk, which survives a power loss. */
export class MachinePaths {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** /var/lib/cmig of a host, /var/lib/rabbitmq of the broker. */
  get data(): string {
    return join(this.directory, 'data');
  }

  /** /var/log */
  get log(): string {
    return join(this.directory, 'log');
  }

  /** /etc/cmig */
  get etc(): string {
    return join(this.directory, 'etc');
  }

  /** Where the machine's root file system is assembled; empty when seen from outside. */
  get root(): string {
    return join(this.directory, 'root');
  }

  get bootLog(): string {
    return join(this.directory, 'boot.log');
  }

  get agentLog(): string {
    return join(this.directory, 'agent.log');
  }
}
