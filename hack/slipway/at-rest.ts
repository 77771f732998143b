/** A converged system writes nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SlipwayCluster } from './slipway-cluster.ts';
import { SYSTEM_NAMESPACE } from './set-up.ts';

interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

/** Everything that Slipway makes or writes. */
const KINDS = 'slipway,jobs,pods,services,deployments,controllerrevisions,poddisruptionbudgets';

/** Objects of the cluster's namespace that changed, came or went while `disturb` ran; nothing should. */
export async function writesAtRest(cluster: SlipwayCluster, disturb: () => Promise<void>): Promise<string[]> {
  const before = await versionsOf(cluster);
  await disturb();
  const after = await versionsOf(cluster);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.filter((name) => before.get(name) !== after.get(name));
}

async function versionsOf(cluster: SlipwayCluster): Promise<Map<string, string>> {
  const { items } = await cluster.json<{ items: Item[] }>(['get', KINDS]);
  return new Map(items.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.resourceVersion]));
}

/** A new operator looks at everything; it is given some seconds in which it could write. */
export async function restartOperator({ kubectl }: SlipwayCluster): Promise<void> {
  await kubectl(['rollout', 'restart', 'deployment/slipway', '-n', SYSTEM_NAMESPACE]);
  await kubectl(['rollout', 'status', 'deployment/slipway', '-n', SYSTEM_NAMESPACE, '--timeout=2m']);
  await sleep(5_000);
}
