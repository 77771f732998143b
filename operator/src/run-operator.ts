import { randomUUID } from 'node:crypto';
import { createDiscovery, createEventRecorder, createKubeClient, createManager, sleep } from '@slipway/kube';
import type { Clock, KubeConfig, Logger } from '@slipway/kube';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ScalingMemory } from './autoscaling/scaling-memory.ts';
import { createCaches } from './caches.ts';
import type { OperatorConfig } from './config.ts';
import { CONTROLLERS } from './controllers/controllers.ts';
import { createGatewayFleet } from './gateways/gateway-fleet.ts';
import { addGatewayWatch } from './gateways/gateway-watch.ts';
import { createTokenIssuerWatch } from './gateways/token-issuer.ts';
import { startHttpEndpoints } from './http-endpoints.ts';
import type { LogLevelControl } from './log-level.ts';

export interface RunOptions {
  readonly config: OperatorConfig;
  readonly kubeConfig: KubeConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly logLevel: LogLevelControl;
  readonly version: string;
}

/** How long a stop waits for Events that are not written yet: an API server that refuses them must not hold it up. */
const LAST_EVENTS_MS = 2_000;

/**
 * The whole operator: endpoints, caches, lease, controllers. Resolves after a stop in which running reconciles ended and the
 * lease was given back.
 *
 * @throws LeaseLostError when another process may work now: the caller must exit.
 */
export async function runOperator(options: RunOptions, stop: AbortSignal): Promise<void> {
  const { config, clock, log } = options;
  const registry = new Registry();
  // A timer every 10 ms, which is the default, would be most of what an operator at rest does.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const userAgent = `slipway-operator/${options.version}`;
  const client = createKubeClient({ kubeConfig: options.kubeConfig, userAgent, registry, clock, log });
  // A pod whose container restarted has the same name, but is another process.
  const lease = config.lease && { ...config.lease, identity: `${config.identity}_${randomUUID()}` };
  const manager = createManager({
    client,
    log,
    clock,
    registry,
    ...(config.namespaces === undefined ? {} : { namespaces: config.namespaces }),
    ...(lease === undefined ? {} : { lease }),
  });
  const instance = config.identity;
  const events = createEventRecorder({ client, component: 'slipway.dev/operator', instance, clock, log });
  const caches = createCaches(manager, config);
  const gateways = createGatewayFleet({ ...config.gateway, clock, log, random: Math.random });
  const scaling = new ScalingMemory();
  const discovery = createDiscovery({ client, clock, presentMs: 30_000 });
  const subject = `system:serviceaccount:${config.gateway.namespace}:${config.gateway.service}`;
  const tokenIssuer = config.accessAtPods ? createTokenIssuerWatch({ client, clock, log, subject }) : undefined;
  const deps = { client, clock, events, config: config.workloads, caches, discovery, gateways, scaling, tokenIssuer };
  addGatewayWatch(manager, caches, gateways);
  for (const addController of CONTROLLERS) addController(manager, deps);
  const endpoints = await startHttpEndpoints({
    ...config,
    registry,
    logLevel: options.logLevel,
    ready: () => manager.ready(),
  });
  log.info(
    { healthPort: endpoints.healthPort, metricsPort: endpoints.metricsPort, version: options.version },
    'started',
  );
  try {
    void tokenIssuer?.run(stop);
    await manager.run(stop);
    await Promise.race([events.flush(), sleep(clock, LAST_EVENTS_MS)]);
  } finally {
    gateways.stop();
    await endpoints.close();
    await client.close();
  }
}
