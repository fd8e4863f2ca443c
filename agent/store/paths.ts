// Where an agent keeps what: below the data directory what must survive, below the run directory what a reboot may forget.
import { join } from 'node:path';

/** `sha256:ab…` -> `ab…`, which is a safe path segment. */
export const hexOf = (digest: string): string => digest.replace(/^sha256:/, '');

/** The id by which runc knows a container. */
export const containerId = (application: string, container: string): string => `${application}.${container}`;

/** Every path the agent uses. Names were checked against the contract's pattern before they come here. */
export class AgentPaths {
  readonly dataDirectory: string;
  readonly runDirectory: string;

  constructor(config: { dataDirectory: string; runDirectory: string }) {
    this.dataDirectory = config.dataDirectory;
    this.runDirectory = config.runDirectory;
  }

  get imagesDirectory(): string {
    return join(this.dataDirectory, 'images');
  }
  /** Layers that are not yet whole, and what is being removed. */
  get imagesIncoming(): string {
    return join(this.imagesDirectory, '.incoming');
  }
  image(digest: string): string {
    return join(this.imagesDirectory, hexOf(digest));
  }
  imageFile(digest: string): string {
    return join(this.image(digest), 'image.json');
  }

  get layersDirectory(): string {
    return join(this.dataDirectory, 'layers');
  }
  layer(digest: string): string {
    return join(this.layersDirectory, hexOf(digest));
  }
  layerRootfs(digest: string): string {
    return join(this.layer(digest), 'rootfs');
  }
  layerFile(digest: string): string {
    return join(this.layer(digest), 'layer.json');
  }

  /** The names of all applications, as hosts files have them. */
  get namesFile(): string {
    return join(this.runDirectory, 'names');
  }

  /** Where other hosts' applications are, as last heard. */
  get placesFile(): string {
    return join(this.dataDirectory, 'places.json');
  }

  get applicationsDirectory(): string {
    return join(this.dataDirectory, 'applications');
  }
  application(name: string): string {
    return join(this.applicationsDirectory, name);
  }
  applicationFile(name: string): string {
    return join(this.application(name), 'application.json');
  }
  volume(application: string, volume: string): string {
    return join(this.application(application), 'volumes', volume);
  }
  volumes(application: string): string {
    return join(this.application(application), 'volumes');
  }
  /** Files that the agent makes for the containers of an application: hosts, resolv.conf. */
  etc(application: string): string {
    return join(this.application(application), 'etc');
  }
  containers(application: string): string {
    return join(this.application(application), 'containers');
  }
  container(application: string, container: string): string {
    return join(this.containers(application), container);
  }
  bundle(application: string, container: string): string {
    return join(this.container(application, container), 'bundle');
  }
  /** The mount point of the overlay. */
  rootfs(application: string, container: string): string {
    return join(this.bundle(application, container), 'rootfs');
  }
  upper(application: string, container: string): string {
    return join(this.container(application, container), 'upper');
  }
  overlayWork(application: string, container: string): string {
    return join(this.container(application, container), 'work');
  }
  /** Links to the layers of its image, by numbers: the options of a mount are short. */
  lowerLinks(application: string, container: string): string {
    return join(this.runtime(application, container), 'lower');
  }
  /** What the container wrote; rotated files have `.1`, `.2` … appended, the newest first. */
  logFile(application: string, container: string): string {
    return join(this.container(application, container), 'log');
  }
  /** Restarts and the last exit of a container. */
  containerStateFile(application: string, container: string): string {
    return join(this.container(application, container), 'state.json');
  }

  /** Copies of applications that another host has; kept for people, never started. */
  get setAsideDirectory(): string {
    return join(this.dataDirectory, 'set-aside');
  }

  get checkpointsDirectory(): string {
    return join(this.dataDirectory, 'checkpoints');
  }
  /** What restores under way have made ready, and what they have put out of the way. */
  get restoresDirectory(): string {
    return join(this.dataDirectory, 'restores');
  }

  get migrationsDirectory(): string {
    return join(this.dataDirectory, 'migrations');
  }
  migration(id: string): string {
    return join(this.migrationsDirectory, id);
  }
  journalFile(id: string): string {
    return join(this.migration(id), 'journal.json');
  }
  /** Where peers deliver: the only folder their key may write to. */
  get incomingDirectory(): string {
    return join(this.dataDirectory, 'incoming');
  }
  incoming(migration: string): string {
    return join(this.incomingDirectory, migration);
  }
  get hostsFile(): string {
    return join(this.dataDirectory, 'hosts.json');
  }
  get sshDirectory(): string {
    return join(this.dataDirectory, 'ssh');
  }

  /** `runc --root`. */
  get runcRoot(): string {
    return join(this.runDirectory, 'runc');
  }
  /** See criu-defaults.ts. */
  get criuDefaults(): string {
    return join(this.runDirectory, 'criu.conf');
  }
  /** conmon leaves a file named for the container's id here when it has ended, its exit code in it. */
  get exitsDirectory(): string {
    return join(this.runDirectory, 'exits');
  }
  exitFile(application: string, container: string): string {
    return join(this.exitsDirectory, containerId(application, container));
  }
  /** Where conmon puts its attach sockets: short, since a socket's path is. */
  get socketsDirectory(): string {
    return join(this.runDirectory, 's');
  }
  /** conmon's link to the bundle, which it leaves behind. */
  socketLink(application: string, container: string): string {
    return join(this.socketsDirectory, containerId(application, container));
  }
  /** A folder for each container, named for its id. */
  get containersRunDirectory(): string {
    return join(this.runDirectory, 'containers');
  }
  /** What of a container a reboot may forget: pid files, control and report FIFOs, runc's log, criu.conf, hook. */
  runtime(application: string, container: string): string {
    return join(this.containersRunDirectory, containerId(application, container));
  }
  pidFile(application: string, container: string): string {
    return join(this.runtime(application, container), 'pid');
  }
  conmonPidFile(application: string, container: string): string {
    return join(this.runtime(application, container), 'conmon.pid');
  }
  /** Of the runc that checkpoints it. */
  checkpointPidFile(application: string, container: string): string {
    return join(this.runtime(application, container), 'checkpoint.pid');
  }
  runcLogFile(application: string, container: string): string {
    return join(this.runtime(application, container), 'runc.log');
  }
  /** conmon reports here: that the container was made, or why not. */
  reportFifo(application: string, container: string): string {
    return join(this.runtime(application, container), 'report');
  }
  /** Named in config.json, and read by criu at every dump and restore. */
  criuConfigFile(application: string, container: string): string {
    return join(this.runtime(application, container), 'criu.conf');
  }
}
