// The network namespace of an application: its name, and where it is.
export const namespaceFolder = '/run/netns';
export const namespacePrefix = 'cmig-';

/** As a name for `ip netns`. */
export const namespaceName = (application: string): string => `${namespacePrefix}${application}`;

/** As the path that a bundle refers to. */
export const namespacePath = (application: string): string =>
  `${namespaceFolder}/${namespaceName(application)}`;
