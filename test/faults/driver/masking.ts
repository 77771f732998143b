/** Makes the end states of two runs comparable: what must differ (uids, versions, times, addresses) is masked. Pure. */
import type { Json } from './api.ts';
import { isOurs } from './observed-resources.ts';

/** By `Kind/name`; objects with random names are numbered in the order of their content. */
export type MaskedState = Readonly<Record<string, unknown>>;

const UNTOLD_METADATA = ['uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'deletionTimestamp'];
const TIME = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z\b/g;
const ADDRESS = /\b(?:\d{1,3}\.){3}\d{1,3}\b/g;
/** Of the authority that each control plane has for itself. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n?/g;
const RANDOM_VOLUME = /\bkube-api-access-[a-z0-9]{5}\b/g;
/** Hashes over what was applied, which has uids in it; and the record of a rollout, whose number may have gaps. */
const HASH_ANNOTATIONS = ['slipway.dev/applied', 'slipway.dev/rollout'];

/** `everSeen`: objects that are gone may still be spoken of, by uid. */
export function maskState(
  objects: readonly Json[],
  namespace: string,
  everSeen: readonly Json[] = objects,
): MaskedState {
  const names = replacements([...everSeen, ...objects], namespace);
  const masked = objects.map((object) => [keyOf(object), inOrder(maskValue(withoutUntold(object), names))] as const);
  const sorted = masked.map(([key, value]) => [key, JSON.stringify(value)] as const).sort(byKeyThenText);
  const state: Record<string, unknown> = {};
  const counts = new Map<string, number>();
  for (const [key, text] of sorted) {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    state[count === 1 ? key : `${key}#${count}`] = JSON.parse(text) as unknown;
  }
  return state;
}

/** The endpoints of a slice stand in the order in which their pods came. */
function inOrder(masked: unknown): unknown {
  const { endpoints } = masked as { readonly endpoints?: readonly unknown[] | null };
  if (endpoints === undefined || endpoints === null) return masked;
  const sorted = endpoints.map((each) => JSON.stringify(each)).sort();
  return { ...(masked as object), endpoints: sorted.map((text) => JSON.parse(text) as unknown) };
}

/** `Kind/name`, with the parts of the name masked that are another in each run. */
export function keyOf(object: Json): string {
  return `${object.kind}/${stableName(object)}`;
}

const NUMBERED = ['ModelVersion', 'DatasetVersion'];
/** Numbers of versions and of routes may have gaps, so a fault may move them; they stand in members of these names. */
const NUMBERS = ['number', 'sequence', 'slipway.dev/last-number', 'slipway.dev/version-number'];

function stableName({ kind, metadata }: Json): string {
  const { name, generateName, ownerReferences = [] } = metadata;
  const written = generateName === undefined ? name : `${generateName}*`;
  if (NUMBERED.includes(kind)) return stableVersionName(written);
  return kind === 'Job' || ownerReferences[0]?.kind === 'Job' ? stableJobName(written) : written;
}

/** The hash in the name of a Job may have a uid in it; a Job about a version begins with its name. */
export function stableJobName(name: string): string {
  return stableVersionName(name).replace(/-[0-9a-f]{6,8}((?:-\d+)?(?:-\*)?)$/, '-*$1');
}

/** `<parent>-<number>-<first six digits of the digest>`. */
export function stableVersionName(name: string): string {
  return name.replace(/-\d+-([0-9a-f]{6})(?=-|$)/, '-*-$1');
}

type Replacements = readonly (readonly [string, string])[];

function replacements(objects: readonly Json[], namespace: string): Replacements {
  const uids = objects.map((object) => [object.metadata.uid ?? '', `<uid of ${keyOf(object)}>`] as const);
  const generated = objects
    .filter((object) => stableName(object) !== object.metadata.name)
    .flatMap((object) => [
      [object.metadata.name, stableName(object)] as const,
      [object.metadata.generateName ?? '', stableName(object).replace(/\*$/, '')] as const,
    ]);
  const longestFirst = [...uids, ...generated, ...runs(objects)]
    .filter(([from]) => from !== '')
    .sort(([a], [b]) => b.length - a.length);
  return [...longestFirst, [namespace, '<namespace>']];
}

/** The digest of a run has the name of its DatasetVersion in it, and so its number. */
function runs(objects: readonly Json[]): (readonly [string, string])[] {
  const digests = objects.flatMap(({ kind, spec, status }) => {
    const lineage = spec?.['lineage'] as { readonly run?: string } | undefined;
    const run = kind === 'ModelVersion' ? lineage?.run : status?.['run'];
    return typeof run === 'string' ? [run.replace(/^sha256:/, '')] : [];
  });
  return digests.flatMap((digest) => [[digest, '<run>'] as const, [digest.slice(0, 16), '<run>'] as const]);
}

function withoutUntold(object: Json): object {
  const { metadata, status, ...rest } = object;
  // Kubernetes' own annotation of an EndpointSlice comes and goes with the moment of the last change.
  const untold = object.kind === 'EndpointSlice' ? [...UNTOLD_METADATA, 'annotations'] : UNTOLD_METADATA;
  const kept = Object.entries(metadata).filter(([name]) => !untold.includes(name));
  // Kubernetes' own controllers raise generations as often as they happen to write, and ours that of a route: a step is left out
  // where the pods were ready before it.
  const isTold = isOurs(object) && object.kind !== 'TrafficRoute' && !isScaled(object);
  const told = isTold ? kept : kept.filter(([name]) => name !== 'generation');
  return { ...rest, metadata: Object.fromEntries(told), status: toldStatus(object, status) };
}

function toldStatus(object: Json, status: Json['status']): object | undefined {
  const { kind } = object;
  if (status === undefined || kind === 'EndpointSlice') return undefined;
  if (isScaled(object)) return withoutMembers(status, 'observedGeneration');
  if (kind === 'Pod') return { phase: status['phase'] };
  if (kind === 'ModelRollout') return { ...status, history: undefined }; // tells of what was seen on the way
  if (kind === 'Deployment' || kind === 'ReplicaSet') {
    const { observedGeneration: _, conditions: __, ...counts } = status;
    return counts;
  }
  return status;
}

/** Load comes by and by, and the autoscaler writes as many numbers as it likes on the way to the last. */
function isScaled({ kind, spec }: Json): boolean {
  const { target } = (spec?.['scaling'] ?? {}) as { readonly target?: object };
  return kind === 'InferenceService' && target !== undefined;
}

function withoutMembers(value: object, untold: string): object {
  return JSON.parse(JSON.stringify(value, (member, each: unknown) => (member === untold ? undefined : each))) as object;
}

function maskValue(value: unknown, names: Replacements, member = ''): unknown {
  if (NUMBERS.includes(member) && ['number', 'string'].includes(typeof value)) return '<number>';
  if (Array.isArray(value)) return value.map((each) => maskValue(each, names));
  if (typeof value === 'string') return maskText(value, names, member);
  if (typeof value !== 'object' || value === null) return member === 'nodePort' ? '<port>' : value;
  const entries = Object.entries(value).map(
    ([name, each]) => [maskText(name, names), maskValue(each, names, name)] as const,
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function maskText(text: string, names: Replacements, member = ''): string {
  if (HASH_ANNOTATIONS.includes(member)) return '<hash>';
  const named = names.reduce((all, [from, to]) => all.replaceAll(from, to), text);
  return named
    .replaceAll(TIME, '<time>')
    .replaceAll(ADDRESS, '<address>')
    .replaceAll(CERTIFICATE, '<certificate>')
    .replaceAll(RANDOM_VOLUME, 'kube-api-access-*');
}

function byKeyThenText([a, textA]: readonly [string, string], [b, textB]: readonly [string, string]): number {
  if (a !== b) return a < b ? -1 : 1;
  return textA < textB ? -1 : 1;
}

/** One line for each place where `actual` is not as the reference. */
export function stateDifferences(reference: MaskedState, actual: MaskedState): string[] {
  return differences(reference, actual, '').slice(0, 30);
}

/** What counts up with every change, and so is another number after a change and its repair. */
const COUNTERS = ['generation', 'observedGeneration', 'deployment.kubernetes.io/revision', 'slipway.dev/rollout'];

/** The number of a ControllerRevision rises when it is taken up again; elsewhere a `revision` is a name. */
function isCounter(member: string, value: unknown): boolean {
  return COUNTERS.includes(member) || (member === 'revision' && typeof value === 'number');
}

/** As `stateDifferences`, for what was there before; what came since may stay, and counters may have risen. */
export function notRestored(before: MaskedState, after: MaskedState): string[] {
  const kept = Object.fromEntries(Object.keys(before).map((key) => [key, after[key]]));
  return stateDifferences(withoutCounters(before), withoutCounters(kept)).map((line) => `not as before: ${line}`);
}

function withoutCounters(state: MaskedState): MaskedState {
  return JSON.parse(
    JSON.stringify(state, (member, value: unknown) => (isCounter(member, value) ? undefined : value)),
  ) as MaskedState;
}

function differences(wanted: unknown, got: unknown, path: string): string[] {
  if (JSON.stringify(wanted) === JSON.stringify(got)) return [];
  if (!isContainer(wanted) || !isContainer(got)) return [`${path}: wanted ${brief(wanted)}, got ${brief(got)}`];
  const members = [...new Set([...Object.keys(wanted), ...Object.keys(got)])].sort();
  return members.flatMap((member) =>
    differences(
      (wanted as Record<string, unknown>)[member],
      (got as Record<string, unknown>)[member],
      path === '' ? member : `${path} › ${member}`,
    ),
  );
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
