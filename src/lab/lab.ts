// Hosts on this machine, for trying, demos and tests: everything that commands and tests call.
export {
  type LabOptions,
  labBroker,
  labExec,
  labHeal,
  labKill,
  labPartition,
  labShape,
  labStart,
} from './lab-actions.ts';
export { labDown } from './lab-down.ts';
export { defaultLabName, maximumHosts } from './lab-plan.ts';
export { listLabs } from './lab-state.ts';
export { type LabHostStatus, type LabSiteStatus, type LabStatus, labStatus } from './lab-status.ts';
export { type LabAccess, type LabUpOptions, labUp } from './lab-up.ts';
export type { LabProgress, OnProgress } from './progress.ts';
