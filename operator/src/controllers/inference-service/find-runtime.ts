/** Which model server a service asks for, and whether it serves the format of its model. */
import type { InferenceService, ModelVersion, ServingRuntimeSpec } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';
import { isOpened, OUR_FORMATS } from '../model-version/format.ts';

/** A model server of other people, as its object says now. */
export type ForeignRuntime = DeepReadonly<ServingRuntimeSpec>;

type Problem = Reason & { readonly isFinal: boolean };

/** No runtime and no problem: ours. */
export interface FoundRuntime {
  readonly runtime?: ForeignRuntime | undefined;
  readonly problem?: Problem | undefined;
}

type RuntimeCaches = Pick<Caches, 'servingRuntimes' | 'clusterServingRuntimes'>;
type Reference = NonNullable<DeepReadonly<InferenceService>['spec']['runtime']>;

/** A message is read in a terminal. */
const LISTED = 5;

/**
 * Nothing is chosen for a service that names no runtime: a runtime that somebody adds or removes must not change who serves.
 */
export function findRuntime(
  caches: RuntimeCaches,
  { metadata: { namespace = '' }, spec: { runtime: wanted } }: DeepReadonly<InferenceService>,
  version: DeepReadonly<ModelVersion>,
): FoundRuntime {
  const { format } = version.spec.artifact;
  if (wanted === undefined) {
    return isOpened(version) ? {} : { problem: notOurs(caches, namespace, version) };
  }
  const there = runtimesFor(caches, namespace);
  const found = there.find(({ kind, name }) => kind === wanted.kind && name === wanted.name);
  if (found === undefined) return { problem: notFound(caches, namespace, wanted) };
  if (serves(found, format))
    return version.spec.serve === undefined ? { runtime: found.spec } : { problem: noSteps(wanted, version) };
  const formats = found.spec.formats.map(({ name }) => name).join(', ');
  const words = `${named(wanted)} does not serve ${format}, the format of ModelVersion "${version.metadata.name}"; it serves ${formats}.`;
  const others = listOf(there.filter((one) => serves(one, format)));
  const advice =
    others === '' ? 'Name a runtime that does in spec.runtime.' : `${others} does: name it in spec.runtime.`;
  return { problem: { reason: 'FormatNotServed', message: `${words} ${advice}`, isFinal: false } };
}

interface Runtime extends Reference {
  readonly spec: ForeignRuntime;
}

/** All that a service of the namespace may name, those of the namespace first. */
function runtimesFor(caches: RuntimeCaches, namespace: string): Runtime[] {
  const objects = [...caches.servingRuntimes.list(namespace), ...(caches.clusterServingRuntimes?.list() ?? [])];
  return objects
    .map(({ kind, metadata, spec }) => ({ kind, name: metadata.name, spec }))
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function rank({ kind, name }: Reference): string {
  return `${kind === 'ServingRuntime' ? 1 : 2} ${name}`;
}

function serves({ spec }: Runtime, format: string): boolean {
  return spec.formats.some(({ name }) => name === format);
}

function notOurs(caches: RuntimeCaches, namespace: string, { metadata, spec }: DeepReadonly<ModelVersion>): Problem {
  const { format } = spec.artifact;
  const words = `Slipway's own model server does not serve ${format}, the format of ModelVersion "${metadata.name}"; it serves ${OUR_FORMATS.join(', ')}.`;
  const others = listOf(runtimesFor(caches, namespace).filter((one) => serves(one, format)));
  const advice =
    others === ''
      ? `Nothing else here does: make a ServingRuntime for ${format} in namespace "${namespace}", and name it in spec.runtime.`
      : nameOneOf(others);
  return { reason: 'FormatNotServed', message: `${words} ${advice}`, isFinal: true };
}

function notFound(caches: RuntimeCaches, namespace: string, wanted: Reference): Problem {
  const where = wanted.kind === 'ServingRuntime' ? ` in namespace "${namespace}"` : '';
  const words =
    wanted.kind === 'ClusterServingRuntime' && caches.clusterServingRuntimes === undefined
      ? 'Slipway works in some namespaces only here, and reads no ClusterServingRuntime.'
      : `There is no ${named(wanted)}${where}.`;
  const others = listOf(runtimesFor(caches, namespace));
  const advice = others === '' ? 'Make a ServingRuntime' : `There is ${others}. Make another one`;
  return { reason: 'RuntimeNotFound', message: `${words} ${advice}, or name one in spec.runtime.`, isFinal: false };
}

/** What to do with them only a server knows that asks them. */
function noSteps(wanted: Reference, version: DeepReadonly<ModelVersion>): Problem {
  const words = `ModelVersion "${version.metadata.name}" has steps before or after its model (spec.serve). Slipway's own model server asks them, and ${named(wanted)} does not.`;
  const advice = isOpened(version)
    ? 'Take spec.runtime out, or name a version without them.'
    : 'Name a version without them.';
  return { reason: 'StepsNotServed', message: `${words} ${advice}`, isFinal: true };
}

function nameOneOf(runtimes: string): string {
  return `Name one that does in spec.runtime: ${runtimes}.`;
}

function named({ kind, name }: Reference): string {
  return `${kind} "${name}"`;
}

function listOf(runtimes: readonly Runtime[]): string {
  const more = runtimes.length - LISTED;
  const names = runtimes.slice(0, LISTED).map(named).join(', ');
  return more > 0 ? `${names} and ${more} more` : names;
}
