/** What pods of our own images run with: everything that the restricted Pod Security level asks for. */
import type { Pod } from '@slipway/kube';

type PodSpec = NonNullable<Pod['spec']>;
export type Container = PodSpec['containers'][number];

/** The user in our images; fsGroup lets it write to volumes. */
export const RUNTIME_UID = 65532;

export const RESTRICTED_POD: NonNullable<PodSpec['securityContext']> = {
  runAsNonRoot: true,
  runAsUser: RUNTIME_UID,
  runAsGroup: RUNTIME_UID,
  fsGroup: RUNTIME_UID,
  // Without this a large volume is walked and chowned at every start of a pod.
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

export const RESTRICTED_CONTAINER: NonNullable<Container['securityContext']> = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
};
