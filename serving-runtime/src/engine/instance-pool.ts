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
  take(): ModelInstance | undefined;
  /** Gives one back that was taken. One that is gone is not taken back. */
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
  const alive = new Set<ModelInstance>();
  const free: ModelInstance[] = [];
  let closed = false;
  let losses = 0;

  const add = (instance: ModelInstance) => {
    alive.add(instance);
    free.push(instance);
    void instance.ended.then(() => replace(instance));
  };

  const replace = async (instance: ModelInstance): Promise<void> => {
    alive.delete(instance);
    const index = free.indexOf(instance);
    if (index >= 0) free.splice(index, 1);
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
    take: () => free.pop(),
    give: (instance) => {
      if (alive.has(instance)) free.push(instance);
    },
    get alive() {
      return alive.size;
    },
    close: () => {
      closed = true;
      for (const instance of alive) instance.close();
    },
  };
}
