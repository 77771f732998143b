/** A converged system writes nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SlipwayCluster } from './slipway-cluster.ts';
import { SYSTEM_NAMESPACE } from './set-up.ts';

interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly deletionTimestamp?: string };
}

/** Everything that Slipway makes or writes. */
const KINDS = 'slipway,jobs,pods,services,deployments,controllerrevisions,poddisruptionbudgets';

type Versions = ReadonlyMap<string, string>;

const QUIET_MS = 5_000;
const SETTLED_WITHIN_MS = 90_000;

/**
 * Objects of the cluster's namespace that changed, came or went while `disturb` ran; nothing should. It begins when nothing is being
 * deleted and nothing has changed for 5 s: pods of an old revision take some seconds to go after all else is there.
 *
 * @throws Error with the names of what still changes or goes after 90 s.
 */
export async function writesAtRest(cluster: SlipwayCluster, disturb: () => Promise<void>): Promise<string[]> {
  const before = await settledVersions(cluster);
  await disturb();
  return changed(before, versionsOf(await itemsOf(cluster)));
}

async function settledVersions(cluster: SlipwayCluster): Promise<Versions> {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  let before = await itemsOf(cluster);
  for (;;) {
    await sleep(QUIET_MS);
    const after = await itemsOf(cluster);
    const going = after.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(nameOf);
    const restless = [...going, ...changed(versionsOf(before), versionsOf(after))];
    if (restless.length === 0) return versionsOf(after);
    if (Date.now() > deadline)
      throw new Error(`not at rest after ${SETTLED_WITHIN_MS / 1000} s: ${restless.join(', ')}`);
    before = after;
  }
}

function changed(before: Versions, after: Versions): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.filter((name) => before.get(name) !== after.get(name));
}

async function itemsOf(cluster: SlipwayCluster): Promise<readonly Item[]> {
  return (await cluster.json<{ items: Item[] }>(['get', KINDS])).items;
}

function versionsOf(items: readonly Item[]): Versions {
  return new Map(items.map((item) => [nameOf(item), item.metadata.resourceVersion]));
}

function nameOf({ kind, metadata }: Item): string {
  return `${kind}/${metadata.name}`;
}

/** A new operator looks at everything; it is given some seconds in which it could write. */
export async function restartOperator({ kubectl }: SlipwayCluster): Promise<void> {
  await kubectl(['rollout', 'restart', 'deployment/slipway', '-n', SYSTEM_NAMESPACE]);
  await kubectl(['rollout', 'status', 'deployment/slipway', '-n', SYSTEM_NAMESPACE, '--timeout=2m']);
  await sleep(5_000);
}
