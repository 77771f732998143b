/** The operator inside this process, on one namespace, with a life that ends at one of its writes. */
import { createDiscovery, createEventRecorder, createManager, realClock } from '@slipway/kube';
import type { KubeClient } from '@slipway/kube';
import { Registry } from 'prom-client';
import { ScalingMemory } from '../../../operator/src/autoscaling/scaling-memory.ts';
import { createCaches } from '../../../operator/src/caches.ts';
import { CONTROLLERS } from '../../../operator/src/controllers/controllers.ts';
import { GATEWAY, SILENT_GATEWAYS } from '../../../operator/src/testing/fixtures.ts';
import { silent } from '../operator/harness.ts';

export interface Doom {
  /** The write to end at, counted from 1: it is done, and nobody hears of it. undefined: never. */
  readonly at: number | undefined;
  /** Only writes of this field manager count; deletes carry none and count always. */
  readonly fieldManager: string;
}

export interface DoomedOperator {
  /** Resolves when it is dead or stopped. */
  readonly ended: Promise<void>;
  readonly isDead: () => boolean;
  readonly writes: () => number;
  stop(): Promise<void>;
}

const WORKLOADS = {
  servingRuntimeImage: 'slipway/serving-runtime:test',
  batchRuntimeImage: 'slipway/batch-runtime:test',
  imagePullPolicy: 'IfNotPresent',
  drainSeconds: 2,
  keepsSamples: false,
  podPaths: [],
} as const;

export function startDoomedOperator(real: KubeClient, namespace: string, doom: Doom): DoomedOperator {
  const stop = new AbortController();
  let writes = 0;
  let dead = false;
  const { client } = mortal(
    real,
    async (write, isCounted) => {
      if (dead) return new Promise<never>(() => undefined);
      if (isCounted) writes += 1;
      if (!isCounted || writes !== doom.at) return write();
      dead = true;
      await write().catch(() => undefined);
      stop.abort();
      return new Promise<never>(() => undefined);
    },
    doom.fieldManager,
  );
  const manager = createManager({
    client,
    log: silent,
    clock: realClock,
    registry: new Registry(),
    namespaces: [namespace],
    drainMs: 0,
  });
  const events = createEventRecorder({
    client: real,
    component: 'slipway.dev/operator',
    instance: 'test',
    clock: realClock,
    log: silent,
  });
  const caches = createCaches(manager, { gateway: GATEWAY });
  const deps = {
    client,
    clock: realClock,
    events,
    config: WORKLOADS,
    caches,
    discovery: createDiscovery({ client, clock: realClock }),
    gateways: SILENT_GATEWAYS,
    scaling: new ScalingMemory(),
  };
  for (const addController of CONTROLLERS) addController(manager, deps);
  const ended = manager.run(stop.signal);
  return {
    ended,
    isDead: () => dead,
    writes: () => writes,
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

type Gate = <T>(write: () => Promise<T>, isCounted: boolean) => Promise<T>;

/** A client whose writes go through a gate. */
function mortal(real: KubeClient, gate: Gate, fieldManager: string): { client: KubeClient } {
  const counts = (options: { fieldManager: string }) => options.fieldManager === fieldManager;
  const client: KubeClient = {
    ...real,
    create: (kind, object, options) => gate(() => real.create(kind, object, options), counts(options)),
    apply: (kind, object, options) => gate(() => real.apply(kind, object, options), counts(options)),
    applyStatus: (kind, object, options) => gate(() => real.applyStatus(kind, object, options), counts(options)),
    mergePatch: (kind, key, patch, options) => gate(() => real.mergePatch(kind, key, patch, options), counts(options)),
    delete: (kind, key, options) => gate(() => real.delete(kind, key, options), true),
  };
  return { client };
}
