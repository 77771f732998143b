/** Going back to an earlier revision: which one, from the objects alone, and the ModelRollout that asks for it. */
import type { ModelRollout } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import { KubeApiError } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { missingRight } from '../../cluster/explain-error.ts';
import { kinds } from '../../cluster/kinds.ts';
import { phaseOf } from '../../cluster/rollouts.ts';
import { CliError } from '../../errors.ts';
import { readHistory, readVersions } from './read.ts';

export interface Going {
  readonly service: string;
  /** A revision; undefined: what served before the last change. */
  readonly to: string | undefined;
}

export interface Past {
  /** Of the service, the newest first. */
  readonly rollouts: readonly ModelRollout[];
  /** By revision that is remembered, the name of its ModelVersion; empty where nobody may read it. */
  readonly versions: ReadonlyMap<string, string>;
}

/** The revision to go back to, or words for why there is nothing to do. @throws CliError where nobody can go back. */
export function undoTarget({ service, to }: Going, { rollouts, versions }: Past): { to: string } | { already: string } {
  const target = to ?? earlier(service, rollouts);
  if (typeof target !== 'string') return target;
  if (versions.size > 0 && !versions.has(target)) {
    const known = [...versions].filter(([revision]) => isOfService(revision, service, rollouts));
    const list = known.map(([revision, version]) => `${revision} (${version})`).join(', ');
    throw new CliError(
      `InferenceService "${service}" has no revision "${target}" any more, or never had.`,
      list === '' ? `See: slipway rollout history ${service}` : `Those that it has: ${list}`,
    );
  }
  return { to: target };
}

function isOfService(revision: string, service: string, rollouts: readonly ModelRollout[]): boolean {
  const known = rollouts.flatMap(({ spec }) => [spec.from?.revision, spec.to.revision]);
  return known.includes(revision) || revision.startsWith(`${service}-`);
}

/** What served before the newest change that goes on, or that has come to serve. */
function earlier(service: string, rollouts: readonly ModelRollout[]): string | { readonly already: string } {
  for (const rollout of rollouts) {
    const phase = phaseOf(rollout);
    const { cause, from, to } = rollout.spec;
    const { name } = rollout.metadata;
    if (cause === 'Undo' && (phase === 'Promoted' || phase === 'GoesOn' || phase === 'Withdrawn')) {
      return { already: `${name} goes back to ${to.revision} already. For another revision: --to REVISION` };
    }
    if (phase === 'Aborted' && cause !== 'Undo') {
      return { already: `${name}, the last change, was aborted already. For an earlier revision: --to REVISION` };
    }
    if ((phase === 'Promoted' || phase === 'GoesOn') && from !== undefined) return from.revision;
  }
  throw new CliError(
    `InferenceService "${service}" has no earlier revision: no change of it is remembered.`,
    'Name another version in its spec.',
  );
}

/** What was done, in words. */
export async function undo(cluster: Cluster, going: Going): Promise<string> {
  const { client, namespace } = cluster;
  const [rollouts, versions] = await Promise.all([readHistory(cluster, going.service), readVersions(cluster)]);
  const target = undoTarget(going, { rollouts, versions });
  if ('already' in target) return target.already;
  await refuseDeletedVersion(cluster, target.to, versions);
  const spec = { inferenceService: { name: going.service }, to: { revision: target.to }, cause: 'Undo' };
  const metadata = { namespace, name: newName(going.service) };
  try {
    await client.create(
      kinds.ModelRollout,
      { apiVersion: groupVersion, kind: 'ModelRollout', metadata, spec } as ModelRollout,
      { fieldManager: 'slipway-cli' },
    );
  } catch (cause) {
    if (!(cause instanceof KubeApiError) || cause.status.code !== 403) throw cause;
    throw new CliError(
      `You may not make a ModelRollout: ${missingRight(cause)}`,
      `Ask for the right to create modelrollouts.slipway.dev in namespace "${namespace}".`,
      { cause },
    );
  }
  const version = versions.get(target.to);
  const what = version === undefined ? target.to : `${target.to} (${version})`;
  return `${metadata.name}: InferenceService "${going.service}" goes back to ${what}, and stays there until its spec asks for something else than now. See: slipway rollout status --rollout ${metadata.name} --watch`;
}

async function refuseDeletedVersion(
  { client, namespace }: Cluster,
  revision: string,
  versions: ReadonlyMap<string, string>,
): Promise<void> {
  const name = versions.get(revision);
  if (name === undefined) return;
  try {
    await client.get(kinds.ModelVersion, { namespace, name });
  } catch (cause) {
    if (!(cause instanceof KubeApiError)) throw cause;
    if (cause.status.code === 403) return; // the operator finds it out
    if (!cause.isNotFound) throw cause;
    throw new CliError(
      `ModelVersion "${name}", which revision "${revision}" serves, is deleted.`,
      'Go back to another revision with --to, or name another version in the spec of the service.',
      { cause },
    );
  }
}

const LETTERS = 'bcdfghjklmnpqrstvwxz';
const MOST_CHARACTERS = 40;

/** No number at its end: those are names that the operator gives. */
function newName(service: string): string {
  const random = [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => LETTERS[byte % LETTERS.length]);
  return `${service.slice(0, MOST_CHARACTERS)}-undo-${random.join('')}`;
}
