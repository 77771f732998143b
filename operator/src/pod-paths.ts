/** What services may say of their pods in `spec.pod`, by the paths below it: all that an install can allow. */
export const POD_PATHS = [
  'metadata.labels',
  'metadata.annotations',
  'spec.tolerations',
  'spec.nodeSelector',
  'spec.affinity',
  'spec.priorityClassName',
  'spec.runtimeClassName',
  'spec.schedulerName',
  'spec.volumes',
  'spec.containers[server].volumeMounts',
] as const;
export type PodPath = (typeof POD_PATHS)[number];

/** They take pods out of the runtime or the scheduler that keep others safe from them, so somebody has to want that. */
const ONLY_WHERE_ASKED: readonly PodPath[] = ['spec.runtimeClassName', 'spec.schedulerName'];

/** What holds where an install says nothing. */
export const USUAL_POD_PATHS: readonly PodPath[] = POD_PATHS.filter((path) => !ONLY_WHERE_ASKED.includes(path));
