/** Follows owners and references through the API server. */
import { builtin, ignoreNotFound, KubeApiError } from '@slipway/kube';
import type { InferenceService, ModelRollout } from '@slipway/crds';
import type { Job, KubeKind, KubeObject, Pod } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { conditionOf, healthOf } from '../../cluster/conditions.ts';
import type { Health } from '../../cluster/conditions.ts';
import { kinds } from '../../cluster/kinds.ts';
import { newestRollout, phaseOf } from '../../cluster/rollouts.ts';
import type { KindName, SlipwayObject } from '../../cluster/kinds.ts';
import type { Link } from './chain.ts';
import { referencesOf } from './references.ts';
import type { Reference } from './references.ts';
import { claimHealth, deploymentHealth, jobHealth, podHealth } from './workload-health.ts';

/** A line more than that tells nothing new. */
const MOST_PODS = 5;

/** The tree below one object. Each object is followed once; what cannot be read is a link that says so. */
export async function collectChain(cluster: Cluster, kind: KindName, object: SlipwayObject): Promise<Link> {
  const seen = new Set([`${kind} ${object.metadata.name}`]);
  return linkOf(cluster, { kind, object, relation: '' }, seen);
}

interface Step {
  readonly kind: KindName;
  readonly object: SlipwayObject;
  readonly relation: string;
}

async function linkOf(cluster: Cluster, { kind, object, relation }: Step, seen: Set<string>): Promise<Link> {
  const links: Link[] = [];
  // One after the other, so that each object stands at the first place that leads to it.
  for (const reference of referencesOf(kind, object)) {
    if (reference.isOrigin === true && isFarOrigin(reference, relation)) continue;
    links.push(await follow(cluster, reference, seen));
  }
  links.push(...(await workloadsOf(cluster, kind, object)));
  const { name, uid } = object.metadata;
  return { kind, name, uid, relation, health: healthOf(object), links };
}

/** Where the data of a version came from is its story, and no longer that of whatever uses the version. */
function isFarOrigin({ kind }: Reference, relation: string): boolean {
  return kind === 'Dataset' && relation !== '';
}

async function follow(cluster: Cluster, reference: Reference, seen: Set<string>): Promise<Link> {
  const { kind, name, relation, isOrigin = false } = reference;
  const key = `${kind} ${name}`;
  const base = { kind, name, relation, links: [] };
  if (seen.has(key)) return { ...base, health: { state: 'seen' } };
  seen.add(key);
  const found = await read(cluster, kindOfReference(kind), name);
  if (found === 'forbidden') return { ...base, health: notReadable(kind, name) };
  if (found === undefined) return { ...base, health: isOrigin ? { state: 'gone' } : missing(kind, name, cluster) };
  if (kind === 'PersistentVolumeClaim') return { ...base, uid: found.metadata.uid, health: claimHealth(found) };
  if (kind === 'ConfigMap') {
    return { ...base, uid: found.metadata.uid, health: { state: 'well', reason: 'Exists', message: '' } };
  }
  const health = healthOf(found);
  // What became of its maker since then is a story of its own.
  if (isOrigin && health.state !== 'well') return { ...base, uid: found.metadata.uid, health };
  return linkOf(cluster, { kind, object: found, relation }, seen);
}

function kindOfReference(kind: Reference['kind']): KubeKind {
  if (kind === 'PersistentVolumeClaim' || kind === 'ConfigMap') return builtin[kind];
  return kinds[kind];
}

function missing(kind: string, name: string, { namespace }: Cluster): Health {
  return { state: 'wrong', reason: 'NotFound', message: `There is no ${kind} "${name}" in namespace "${namespace}".` };
}

function notReadable(kind: string, name: string): Health {
  return { state: 'waiting', reason: 'NotReadable', message: `You may not read ${kind} "${name}".` };
}

async function read(
  { client, namespace }: Cluster,
  kind: KubeKind,
  name: string,
): Promise<KubeObject | 'forbidden' | undefined> {
  try {
    return await ignoreNotFound(client.get(kind, { namespace, name }));
  } catch (cause) {
    if (cause instanceof KubeApiError && cause.status.code === 403) return 'forbidden';
    throw cause;
  }
}

/** What runs for an object: the rollout and the Deployments of a service, the candidate of a rollout, the newest Job of anything else; with their pods. */
async function workloadsOf(cluster: Cluster, kind: KindName, object: SlipwayObject): Promise<Link[]> {
  const { client, namespace } = cluster;
  const labelSelector = `slipway.dev/${kind.toLowerCase()}=${object.metadata.name}`;
  if (kind === 'InferenceService') {
    return [...(await rolloutOf(cluster, object)), ...(await deploymentsOf(cluster, labelSelector))];
  }
  if (kind === 'ModelRollout') {
    return deploymentsOf(cluster, `slipway.dev/revision=${(object as ModelRollout).spec.to.revision}`);
  }
  const { items } = await client.list(builtin.Job, { namespace, labelSelector });
  const newest = items.sort(byCreation).at(-1);
  if (newest === undefined) return [];
  const pods = await podsOf(cluster, `batch.kubernetes.io/job-name=${newest.metadata.name}`);
  const { name, uid } = newest.metadata;
  return [{ kind: 'Job', name, uid, relation: 'ran as', isWorkload: true, health: jobHealth(newest), links: pods }];
}

/** The one that goes on, or was aborted and is asked for still. Its pods stand below the service. */
async function rolloutOf(cluster: Cluster, object: SlipwayObject): Promise<Link[]> {
  const { client, namespace } = cluster;
  const { items } = await client.list(kinds.ModelRollout, { namespace });
  const rollout = newestRollout(items, (object as InferenceService).metadata.name);
  if (rollout === undefined || !isInForce(rollout, object)) return [];
  const { name, uid } = rollout.metadata;
  const health = healthOf(rollout);
  return [{ kind: 'ModelRollout', name, uid, relation: 'changes by', isWorkload: true, health, links: [] }];
}

function isInForce(rollout: ModelRollout, service: SlipwayObject): boolean {
  const phase = phaseOf(rollout);
  return phase === 'GoesOn' || (phase === 'Aborted' && conditionOf(service, 'UpToDate')?.status !== 'True');
}

async function deploymentsOf(cluster: Cluster, labelSelector: string): Promise<Link[]> {
  const { client, namespace } = cluster;
  const { items } = await client.list(builtin.Deployment, { namespace, labelSelector });
  return Promise.all(
    items
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map(async (deployment): Promise<Link> => {
        const { name, uid, labels } = deployment.metadata;
        const links = await podsOf(cluster, `slipway.dev/revision=${labels?.['slipway.dev/revision'] ?? name}`);
        const health = deploymentHealth(deployment);
        return { kind: 'Deployment', name, uid, relation: 'runs as', isWorkload: true, health, links };
      }),
  );
}

function byCreation(a: Job, b: Job): number {
  return (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1;
}

/** Those in trouble first. */
async function podsOf({ client, namespace }: Cluster, labelSelector: string): Promise<Link[]> {
  const { items } = await client.list(builtin.Pod, { namespace, labelSelector });
  const links = items.map((pod: Pod): Link => {
    const { name, uid } = pod.metadata;
    return { kind: 'Pod', name, uid, relation: 'in', isWorkload: true, health: podHealth(pod), links: [] };
  });
  const order = ['wrong', 'waiting', 'well'];
  return links.sort((a, b) => order.indexOf(a.health.state) - order.indexOf(b.health.state)).slice(0, MOST_PODS);
}
