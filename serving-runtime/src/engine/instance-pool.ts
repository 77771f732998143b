/** The instances of one model: who is free, and another one for each that is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelInstance } from './model-instance.ts';

export interface PoolEvents {
  /** An instance can take work. */
  free(): void;
  /** An instance ended by itself; another is being started. */
  lost(): void;
}

export interface InstancePool {
  /** For a run: of those that have fewer than `most` runs, the one with the fewest. */
  take(most: number): ModelInstance | undefined;
  /** A run for which it was taken has ended. */
  give(instance: ModelInstance): void;
  readonly alive: number;
  close(): void;
}

const RESTART_BACKOFF_MS = [100, 1_000, 5_000, 30_000] as const;
/** After this long a loss counts no more. */
const FORGIVEN_MS = 60_000;

/** @param instances that are there already. @param start makes another. */
export function createInstancePool(
  instances: readonly ModelInstance[],
  start: () => Promise<ModelInstance>,
  events: PoolEvents,
): InstancePool {
  /** How many runs each of those that are alive has. */
  const runs = new Map<ModelInstance, number>();
  let closed = false;
  let losses = 0;

  const add = (instance: ModelInstance) => {
    runs.set(instance, 0);
    void instance.ended.then(() => replace(instance));
  };

  const replace = async (instance: ModelInstance): Promise<void> => {
    runs.delete(instance);
    if (closed) return;
    events.lost();
    losses += 1;
    setTimeout(() => (losses -= 1), FORGIVEN_MS).unref();
    for (let attempt = losses - 1; !closed; attempt += 1) {
      await sleep(RESTART_BACKOFF_MS[Math.min(attempt, RESTART_BACKOFF_MS.length - 1)]);
      const next = closed ? undefined : await start().catch(() => undefined);
      if (next === undefined) continue;
      if (closed) return next.close();
      add(next);
      return events.free();
    }
  };

  instances.forEach(add);
  return {
    take: (most) => {
      let idlest: ModelInstance | undefined;
      let fewest = most;
      for (const [instance, count] of runs) {
        if (count >= fewest) continue;
        idlest = instance;
        fewest = count;
      }
      if (idlest !== undefined) runs.set(idlest, fewest + 1);
      return idlest;
    },
    give: (instance) => {
      const count = runs.get(instance);
      if (count !== undefined) runs.set(instance, count - 1);
    },
    get alive() {
      return runs.size;
    },
    close: () => {
      closed = true;
      for (const instance of runs.keys()) instance.close();
    },
  };
}
