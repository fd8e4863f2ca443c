// Which init this machine has.
import { existsSync } from 'node:fs';

/** Whether it is systemd, as sd_booted(3) finds it out; it stays the same for as long as the machine runs. */
export const systemdIsInit: boolean = existsSync('/run/systemd/system');
