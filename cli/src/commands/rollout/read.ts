/** Reads rollouts, and what says which versions their revisions serve. */
import type { InferenceService, ModelRollout } from '@slipway/crds';
import { builtin, ignoreNotFound, KubeApiError } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { findObject } from '../../cluster/find-object.ts';
import { kinds } from '../../cluster/kinds.ts';
import { byNumber, newestRollout } from '../../cluster/rollouts.ts';
import { CliError } from '../../errors.ts';
import type { Subject } from './decide.ts';

export interface Target {
  /** Undefined where the rollout itself is named. */
  readonly service: string | undefined;
  /** Undefined: the newest of the service. */
  readonly rollout: string | undefined;
}

/** The rollout that is meant. Rejects with CliError where there is none. */
export async function readSubject(cluster: Cluster, target: Target): Promise<Subject> {
  const { client, namespace } = cluster;
  const named = target.rollout === undefined ? undefined : await findRollout(cluster, target.rollout);
  if (named !== undefined) refuseOther(named, target.service);
  const name = named?.spec.inferenceService.name ?? target.service ?? '';
  const key = { namespace, name };
  const service = await (named === undefined
    ? findService(cluster, name)
    : ignoreNotFound(client.get(kinds.InferenceService, key)));
  const { items } = await client.list(kinds.ModelRollout, { namespace });
  const newest = newestRollout(items, name);
  const rollout = named ?? newest;
  if (rollout === undefined) throw noRollout(name);
  return { rollout, service, newer: newest === undefined ? undefined : otherName(newest, rollout) };
}

function refuseOther({ metadata, spec }: ModelRollout, service: string | undefined): void {
  const { name } = spec.inferenceService;
  if (service === undefined || service === name) return;
  throw new CliError(
    `${metadata.name} is a rollout of InferenceService "${name}", not of "${service}".`,
    'Name the service or the rollout alone.',
  );
}

function otherName({ metadata: { name } }: ModelRollout, { metadata }: ModelRollout): string | undefined {
  return name === metadata.name ? undefined : name;
}

async function findRollout(cluster: Cluster, name: string): Promise<ModelRollout> {
  return (await findObject(cluster, { kind: 'ModelRollout', name })) as ModelRollout;
}

async function findService(cluster: Cluster, name: string): Promise<InferenceService> {
  return (await findObject(cluster, { kind: 'InferenceService', name })) as InferenceService;
}

function noRollout(service: string): CliError {
  return new CliError(
    `InferenceService "${service}" has no rollout: it has not changed since it served for the first time.`,
    `A rollout begins when its version changes, or anything else that its pods depend on. See: slipway describe service ${service}`,
  );
}

/** The newest first; of every service where none is named. */
export async function readHistory(cluster: Cluster, service: string | undefined): Promise<ModelRollout[]> {
  if (service !== undefined) await findService(cluster, service);
  const { items } = await cluster.client.list(kinds.ModelRollout, { namespace: cluster.namespace });
  const ofService = ({ spec }: ModelRollout) => service === undefined || spec.inferenceService.name === service;
  const serviceOf = ({ spec }: ModelRollout) => spec.inferenceService.name;
  return items.filter(ofService).sort((a, b) => serviceOf(a).localeCompare(serviceOf(b)) || byNumber(a, b));
}

/** By revision the name of the ModelVersion that it serves; those alone that are remembered, and may be read. */
export async function readVersions({ client, namespace }: Cluster): Promise<ReadonlyMap<string, string>> {
  try {
    const labelSelector = 'slipway.dev/revision,slipway.dev/modelversion';
    const { items } = await client.list(builtin.ControllerRevision, { namespace, labelSelector });
    return new Map(
      items.map(({ metadata: { name, labels } }) => [name, labels?.['slipway.dev/modelversion'] ?? name] as const),
    );
  } catch (cause) {
    if (cause instanceof KubeApiError && cause.status.code === 403) return new Map();
    throw cause;
  }
}
