// What everyone who copies an application's files has to know of them.

/** The coarsest step of file times in use, with room: CONFIG_HZ=100. */
export const timeStepMs = 20;

/** Below the application's folder, made anew wherever it is to run: the mount point and overlayfs' own folder. */
export const madeAnew = ['containers/*/bundle', 'containers/*/work'];
