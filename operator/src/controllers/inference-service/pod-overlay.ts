/** What a service says of its pods beyond what is typed: looked at path by path, then merged over what we render. */
import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import { TMP_MOUNT } from '../../jobs/build-batch-job.ts';
import type { VolumeMount } from '../../jobs/store-mount.ts';
import { SERVER } from './pod-input.ts';
import type { PodTemplate } from './revision.ts';

type Overlay = DeepReadonly<NonNullable<InferenceService['spec']['pod']>>;
type PodSpec = NonNullable<PodTemplate['spec']>;

/** What may be given, as it is once it was looked at. */
type AllowedSpec = Partial<
  Pick<PodSpec, 'tolerations' | 'nodeSelector' | 'affinity' | 'priorityClassName' | 'volumes'>
> & { readonly containers?: readonly { readonly name: string; readonly volumeMounts?: readonly VolumeMount[] }[] };

const PATH = 'spec.pod.spec';
const KINDS_OF_FIELDS: Readonly<Record<string, 'list' | 'object' | 'text'>> = {
  tolerations: 'list',
  nodeSelector: 'object',
  affinity: 'object',
  priorityClassName: 'text',
  volumes: 'list',
  containers: 'list',
};
const ALLOWED = 'tolerations, nodeSelector, affinity, priorityClassName, volumes, containers[server].volumeMounts';
const OUR_VOLUMES = ['models', 'store', 'tmp'];

/** Undefined for what may be merged; whether its values are good the API server says. `mountPath`: where the model is. */
export function overlayProblem(spec: unknown, mountPath: string): Reason | undefined {
  if (spec === undefined) return undefined;
  if (!isObject(spec)) return problem(PATH, 'must be an object');
  for (const [field, value] of Object.entries(spec)) {
    const kind = KINDS_OF_FIELDS[field];
    if (kind === undefined) return notAllowed(field);
    if (!isOfKind(value, kind)) return problem(`${PATH}.${field}`, `must be ${kind === 'object' ? 'an' : 'a'} ${kind}`);
  }
  const { volumes = [], containers = [] } = spec as { volumes?: unknown[]; containers?: unknown[] };
  return (
    keyProblem(`${PATH}.volumes`, { items: volumes, key: 'name', taken: OUR_VOLUMES }) ??
    containerProblem(containers, mountPath)
  );
}

function containerProblem(containers: readonly unknown[], mountPath: string): Reason | undefined {
  const named = keyProblem(`${PATH}.containers`, { items: containers, key: 'name', taken: [] });
  if (named !== undefined) return named;
  for (const { name, volumeMounts = [], ...rest } of containers as { name: string; volumeMounts?: unknown }[]) {
    const [other] = Object.keys(rest);
    if (name !== SERVER) return notAllowed(`containers[${name}]`);
    if (other !== undefined) return notAllowed(`containers[${name}].${other}`);
    const path = `${PATH}.containers[${name}].volumeMounts`;
    if (!Array.isArray(volumeMounts)) return problem(path, 'must be a list');
    const taken = [mountPath, TMP_MOUNT.mountPath];
    const wrong = keyProblem(path, { items: volumeMounts, key: 'mountPath', taken });
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

interface Keyed {
  readonly items: readonly unknown[];
  /** By which Kubernetes merges the list. */
  readonly key: string;
  readonly taken: readonly string[];
}

function keyProblem(path: string, { items, key, taken }: Keyed): Reason | undefined {
  const keys = items.map((item) => (isObject(item) ? item[key] : undefined));
  for (const [index, value] of keys.entries()) {
    if (typeof value !== 'string') return problem(`${path}[${index}]`, `must have a ${key}`);
    if (taken.includes(value)) return problem(path, `has "${value}", which is Slipway's own; take another ${key}`);
    if (keys.indexOf(value) !== index) return problem(path, `has "${value}" twice`);
  }
  return undefined;
}

function notAllowed(field: string): Reason {
  return problem(`${PATH}.${field}`, `is not allowed. Allowed are: ${ALLOWED}`);
}

function problem(path: string, words: string): Reason {
  return { reason: 'PodFieldNotAllowed', message: `${path} ${words}.` };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOfKind(value: unknown, kind: 'list' | 'object' | 'text'): boolean {
  if (kind === 'list') return Array.isArray(value);
  return kind === 'object' ? isObject(value) : typeof value === 'string';
}

/** Lists by the keys by which Kubernetes merges them; nothing that we render is replaced. */
export function withOverlay(template: PodTemplate, { metadata = {}, spec = {} }: Overlay): PodTemplate {
  const { containers = [], volumes = [], ...rest } = structuredClone(spec) as AllowedSpec;
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  const { annotations, labels } = metadata;
  const base = template.spec as PodSpec;
  return {
    metadata: {
      ...template.metadata,
      labels: { ...labels, ...template.metadata?.labels },
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
    },
    spec: {
      ...base,
      ...rest,
      volumes: [...(base.volumes ?? []), ...volumes],
      containers: base.containers.map((container) => ({
        ...container,
        volumeMounts: [...(container.volumeMounts ?? []), ...mounts],
      })),
    },
  };
}
