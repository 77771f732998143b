/** What a service says of its pods beyond what is typed: looked at path by path, then merged over what we render. */
import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import { TMP_MOUNT } from '../../jobs/build-batch-job.ts';
import type { VolumeMount } from '../../jobs/store-mount.ts';
import type { PodPath } from '../../pod-paths.ts';
import { GATEWAYS_MOUNT, GATEWAYS_VOLUME } from './build-known-gateways.ts';
import { SERVER } from './pod-input.ts';
import type { PodTemplate } from './revision.ts';

type Overlay = DeepReadonly<NonNullable<InferenceService['spec']['pod']>>;
type PodSpec = NonNullable<PodTemplate['spec']>;

/** What may be given, as it is once it was looked at. */
type AllowedSpec = Partial<
  Pick<
    PodSpec,
    'tolerations' | 'nodeSelector' | 'affinity' | 'priorityClassName' | 'runtimeClassName' | 'schedulerName' | 'volumes'
  >
> & { readonly containers?: readonly { readonly name: string; readonly volumeMounts?: readonly VolumeMount[] }[] };

type Kind = 'list' | 'object' | 'text';

const PATH = 'spec.pod';
const SPEC = `${PATH}.spec`;
const MOUNTS: PodPath = `spec.containers[${SERVER}].volumeMounts`;
const KINDS_OF_FIELDS: Readonly<Record<string, Kind>> = {
  tolerations: 'list',
  nodeSelector: 'object',
  affinity: 'object',
  priorityClassName: 'text',
  runtimeClassName: 'text',
  schedulerName: 'text',
  volumes: 'list',
};
const OUR_VOLUMES = ['models', 'store', 'tmp', GATEWAYS_VOLUME];

/** As it comes: the API server looks at no value below `spec`. */
type Given = Pick<Overlay, 'metadata'> & { readonly spec?: unknown };

export interface OverlayRules {
  /** Those of the install. */
  readonly allowed: readonly PodPath[];
  /** Where the model is. */
  readonly mountPath: string;
}

/** Undefined for what may be merged; whether its values are good the API server says. */
export function overlayProblem({ metadata = {}, spec = {} }: Given, rules: OverlayRules): Reason | undefined {
  const field = Object.keys(metadata).find((name) => !isAllowed(`metadata.${name}`, rules));
  if (field !== undefined) return notAllowed(`metadata.${field}`, rules);
  if (!isObject(spec)) return problem(SPEC, 'must be an object');
  const { containers = [], ...fields } = spec;
  const wrong = Object.entries(fields).map(([name, value]) => fieldProblem(name, value, rules));
  const { volumes = [] } = fields as { volumes?: unknown[] };
  return (
    wrong.find((each) => each !== undefined) ??
    keyProblem(`${SPEC}.volumes`, { items: volumes, key: 'name', taken: OUR_VOLUMES }) ??
    containerProblem(containers, rules)
  );
}

function fieldProblem(name: string, value: unknown, rules: OverlayRules): Reason | undefined {
  const kind = KINDS_OF_FIELDS[name];
  if (kind === undefined || !isAllowed(`spec.${name}`, rules)) return notAllowed(`spec.${name}`, rules);
  if (isOfKind(value, kind)) return undefined;
  return problem(`${SPEC}.${name}`, `must be ${kind === 'object' ? 'an' : 'a'} ${kind}`);
}

function containerProblem(containers: unknown, rules: OverlayRules): Reason | undefined {
  if (!Array.isArray(containers)) return problem(`${SPEC}.containers`, 'must be a list');
  const named = keyProblem(`${SPEC}.containers`, { items: containers, key: 'name', taken: [] });
  if (named !== undefined) return named;
  for (const { name, volumeMounts, ...rest } of containers as { name: string; volumeMounts?: unknown }[]) {
    const [other] = Object.keys(rest);
    if (name !== SERVER) return notAllowed(`spec.containers[${name}]`, rules);
    if (other !== undefined) return notAllowed(`spec.containers[${name}].${other}`, rules);
    const wrong = volumeMounts === undefined ? undefined : mountProblem(volumeMounts, rules);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function mountProblem(mounts: unknown, rules: OverlayRules): Reason | undefined {
  if (!isAllowed(MOUNTS, rules)) return notAllowed(MOUNTS, rules);
  const path = `${PATH}.${MOUNTS}`;
  if (!Array.isArray(mounts)) return problem(path, 'must be a list');
  const taken = [rules.mountPath, TMP_MOUNT.mountPath, GATEWAYS_MOUNT];
  return keyProblem(path, { items: mounts, key: 'mountPath', taken });
}

function isAllowed(path: string, { allowed }: OverlayRules): boolean {
  return allowed.some((one) => one === path);
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

function notAllowed(path: string, { allowed }: OverlayRules): Reason {
  const those = allowed.length === 0 ? 'nothing' : allowed.join(', ');
  return problem(
    `${PATH}.${path}`,
    `is not allowed. Allowed in ${PATH}: ${those}. Whoever runs Slipway chooses this with its setting podPaths`,
  );
}

function problem(path: string, words: string): Reason {
  return { reason: 'PodFieldNotAllowed', message: `${path} ${words}.` };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOfKind(value: unknown, kind: Kind): boolean {
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
