import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDiscovery, createKubeClient, createManager, loadKubeConfig, realClock } from '@slipway/kube';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { ScalingMemory } from '../../operator/src/autoscaling/scaling-memory.ts';
import { CONTROLLERS } from '../../operator/src/controllers/controllers.ts';
import { createCaches } from '../../operator/src/caches.ts';
import { GATEWAY, SILENT_GATEWAYS } from '../../operator/src/testing/fixtures.ts';
import { silent } from '../apiserver/operator/harness.ts';

/** Of the operator; those of the process itself are prom-client's. */
const OURS = /`((?:controller_runtime|workqueue|rest_client|leader_election|reflector)_[a-z_]+)`/g;

it('docs/operations.md tells of every metric of the operator, and of no other', async () => {
  const registry = new Registry();
  const kubeConfig = loadKubeConfig(join(import.meta.dirname, 'kubeconfig.yaml'));
  const client = createKubeClient({ kubeConfig, userAgent: 'test', registry, clock: realClock, log: silent });
  const lease = { namespace: 'slipway', name: 'slipway', identity: 'test' };
  const manager = createManager({ client, log: silent, clock: realClock, registry, lease });
  const config = {
    servingRuntimeImage: 's',
    batchRuntimeImage: 'b',
    imagePullPolicy: 'Never',
    drainSeconds: 1,
    keepsSamples: false,
    podPaths: [],
  } as const;
  const events = { record: () => undefined, flush: async () => undefined };
  const caches = createCaches(manager, { gateway: GATEWAY });
  const deps = {
    client,
    clock: realClock,
    events,
    config,
    caches,
    discovery: createDiscovery({ client, clock: realClock }),
    gateways: SILENT_GATEWAYS,
    scaling: new ScalingMemory(),
  };
  for (const addController of CONTROLLERS) addController(manager, deps);
  await client.close();
  // Registered when the manager begins to run.
  const registered = ['leader_election_master_status', ...registry.getMetricsAsArray().map(({ name }) => name)];

  const text = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const told = [...text.matchAll(OURS)].map(([, name]) => name);
  expect(new Set(told)).toEqual(new Set(registered));
});
