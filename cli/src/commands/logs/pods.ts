import type { DeepReadonly, Pod } from '@slipway/kube';
import type { KindName } from '../../cluster/kinds.ts';

/** Label selector of the pods that run for an object; undefined for kinds that run none. */
export function podSelector(kind: KindName, name: string): string | undefined {
  if (kind === 'Model' || kind === 'DatasetVersion' || kind === 'Store') return undefined;
  const own = `slipway.dev/${kind.toLowerCase()}=${name}`;
  // Pods that serve a version have its label, too, and belong to the service.
  return kind === 'ModelVersion' ? `${own},!slipway.dev/revision` : own;
}

export interface LogSource {
  readonly pod: string;
  readonly container: string;
}

type ContainerStatus = NonNullable<NonNullable<DeepReadonly<Pod>['status']>['containerStatuses']>[number];

export interface SourceOptions {
  /** Only containers of this name; also those that are left out otherwise. */
  readonly container: string | undefined;
  /** The end before the last start, of containers that had one. */
  readonly previous: boolean;
}

/**
 * The containers of a pod that have a log: its main ones, or, while none of these has begun, those that prepare it, because
 * that is where it hangs.
 */
export function logSources(pod: DeepReadonly<Pod>, { container, previous }: SourceOptions): LogSource[] {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const hasLog = (status: ContainerStatus) =>
    previous ? status.lastState?.terminated !== undefined : hasBegun(status);
  const mains = containerStatuses.filter(hasLog);
  const inits = initContainerStatuses.filter(hasLog);
  const chosen =
    container === undefined
      ? mains.length > 0
        ? mains
        : inits.slice(-1)
      : [...inits, ...mains].filter(({ name }) => name === container);
  return chosen.map(({ name }) => ({ pod: pod.metadata.name, container: name }));
}

function hasBegun({ state, lastState }: ContainerStatus): boolean {
  return state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined;
}

/** The pod's name; with the container where the pod has several. */
export function prefixOf(source: LogSource, all: readonly LogSource[]): string {
  const hasSeveral = all.some(({ pod, container }) => pod === source.pod && container !== source.container);
  return hasSeveral ? `${source.pod}/${source.container}` : source.pod;
}

export function hasEnded(pod: DeepReadonly<Pod>): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
