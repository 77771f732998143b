/** What tests look at in a cluster with Slipway. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SlipwayCluster } from '../../hack/slipway/slipway-cluster.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation?: number; readonly resourceVersion: string };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

/** A condition that speaks of the present spec. `object` as kubectl takes it: `trainingjob/x`. */
export async function conditionOf(
  cluster: SlipwayCluster,
  object: string,
  type: string,
): Promise<Condition | undefined> {
  const { metadata, status } = await cluster.json<Item>(['get', object]);
  if (status?.observedGeneration !== metadata.generation) return undefined;
  return status?.conditions?.find((condition) => condition.type === type);
}

/** The condition once it speaks of the present spec with that status and a message or reason that fits. Fails with what was seen last. */
export async function conditionThat(
  cluster: SlipwayCluster,
  [object, type, status]: readonly [object: string, type: string, status: string],
  fits: (condition: Condition) => boolean,
): Promise<Condition> {
  let seen: Condition | undefined;
  return eventually(`${type} of ${object} is ${status} as it should be`, async () => {
    seen = await conditionOf(cluster, object, type);
    return seen?.status === status && fits(seen) ? seen : undefined;
  }).catch((cause: unknown) => {
    throw new Error(`last seen: ${JSON.stringify(seen)}`, { cause });
  });
}

export async function eventually<T>(what: string, look: () => Promise<T | undefined>, seconds = 60): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) throw new Error(`${what}: not so after ${seconds} s`);
    await sleep(250);
  }
}
