/** Starts a gateway: routes of the API in front of model servers. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import type { KubeClient, Logger } from '@slipway/kube';
import { pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import packageJson from '../package.json' with { type: 'json' };
import { AUDIENCE, OPERATOR_AUDIENCE } from './access/bearer-token.ts';
import { createCallers } from './access/callers.ts';
import type { Callers } from './access/callers.ts';
import { createGatewayTokens, NO_GATEWAY_TOKENS, TOKEN_SECONDS } from './access/gateway-tokens.ts';
import type { GatewayTokens } from './access/gateway-tokens.ts';
import { createOperatorAdmission } from './access/operator-admission.ts';
import { createTokenReviews } from './access/token-review.ts';
import type { TokenReviewsOptions } from './access/token-review.ts';
import { createAdminServer } from './admin-server.ts';
import { readConfig, USAGE } from './config.ts';
import type { Config } from './config.ts';
import { createRouteSource } from './control/route-source.ts';
import { createStream } from './control/stream.ts';
import { startDataPlane } from './data-plane.ts';
import type { DataPlaneOptions } from './data-plane.ts';
import type { IsRouted } from './proxy/forgotten-series.ts';
import { createLoads } from './proxy/loads.ts';
import { createGatewayMetrics } from './proxy/metrics.ts';
import type { GatewayMetrics } from './proxy/metrics.ts';
import { createRouteTable } from './routing/route-table.ts';
import type { RouteTable } from './routing/route-table.ts';
import { startSampling } from './sampling/start-sampling.ts';
import type { Sampling } from './sampling/start-sampling.ts';

const LOOK_FOR_OLD_SERIES_MS = 60_000;

async function main(config: Config): Promise<void> {
  const log = pino({ level: config['log-level'] });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const table = createRouteTable(config['cluster-domain']);
  const shared = { log, registry, clock: realClock };
  const userAgent = `slipway-gateway/${packageJson.version}`;
  const client = createKubeClient({ ...shared, kubeConfig: loadKubeConfig(), userAgent });
  const source = createRouteSource({ ...shared, client, table, namespaces: config.namespaces });

  let isDraining = false;
  // Without the API it goes on with the routes that it has, so only the first list counts.
  const obstacle = () => {
    if (isDraining) return 'the gateway is shutting down';
    return source.hasSynced() ? undefined : 'the routes have not been read yet';
  };
  const loads = createLoads(() => performance.now());
  const stream = createStream({ table, loads, version: packageJson.version });
  const { operator } = config;
  const admitOperator =
    operator && createOperatorAdmission(callersBy({ client, log, audience: OPERATOR_AUDIENCE }), operator);
  const admin = createAdminServer({ table, registry, stream, obstacle, admitOperator });
  const metrics = createGatewayMetrics(registry, loads);
  setInterval(() => void metrics.removeSeries(isRoutedBy(table), performance.now()), LOOK_FOR_OLD_SERIES_MS).unref();
  const gatewayTokens = gatewayTokensBy(config, client, log);
  table.subscribe({ set: () => {}, gone: gatewayTokens.forget });
  const sampling = samplingBy(config, { log, registry, metrics });
  const dataPlane = await startDataPlane({
    table,
    callers: callersBy({ client, log, audience: AUDIENCE }),
    gatewayTokens,
    metrics,
    sampler: sampling?.sampler,
    host: config.host,
    port: config.port,
    connections: { total: config['max-connections'], perAddress: config['max-connections-per-address'] },
    tls: tlsBy(config, log),
    onFault: (err) => log.error({ err }, 'a connection ended by a fault of the gateway'),
  });
  await new Promise<void>((resolve, reject) => {
    admin.once('error', reject);
    admin.listen(config['admin-port'], config.host, resolve);
  });
  log.info(
    { ports: { data: dataPlane.port, tls: dataPlane.tlsPort, admin: (admin.address() as AddressInfo).port } },
    'listening',
  );
  const stopWatching = new AbortController();
  const watching = source.run(stopWatching.signal);

  await stopSignal();
  isDraining = true;
  log.info({ seconds: config['drain-seconds'] }, 'not ready any more; still taking requests while clients turn away');
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1));
  dataPlane.turnAway();
  // Routes are followed to the end: pods come and go meanwhile.
  await sleep(config['drain-seconds'] * 1000);
  await dataPlane.stop(config['grace-seconds'] * 1000);
  await sampling?.close();
  // The operator hears of the last answer, too, before it hears no more.
  await stream.close();
  stopWatching.abort();
  await watching;
  await client.close();
  log.info('stopped');
  process.exit(0);
}

function callersBy(options: TokenReviewsOptions): Callers {
  return createCallers({
    review: createTokenReviews(options),
    wallClock: () => Date.now(),
    now: () => performance.now(),
  });
}

function tlsBy(config: Config, log: Logger): DataPlaneOptions['tls'] {
  const { 'tls-cert-file': cert, 'tls-key-file': key, 'tls-client-ca-file': clientCa, 'tls-port': port } = config;
  if (cert === undefined || key === undefined) return undefined;
  return {
    port,
    files: { cert, key, clientCa },
    events: {
      loaded: ({ notAfterSeconds }) => log.info({ notAfter: new Date(notAfterSeconds * 1000) }, 'certificate in use'),
      rejected: (err) => log.error({ err }, 'the new certificate cannot be used; going on with the one before'),
    },
  };
}

function gatewayTokensBy({ 'service-account': account }: Config, client: KubeClient, log: Logger): GatewayTokens {
  if (account === undefined) return NO_GATEWAY_TOKENS;
  return createGatewayTokens({
    request: (audience, signal) => client.requestToken(account, { audience, expirationSeconds: TOKEN_SECONDS, signal }),
    log,
    wallClock: () => Date.now(),
    now: () => performance.now(),
  });
}

function samplingBy(
  config: Config,
  shared: { readonly log: Logger; readonly registry: Registry; readonly metrics: GatewayMetrics },
): Sampling | undefined {
  const folder = config['sampling-dir'];
  if (folder === undefined) return undefined;
  return startSampling({
    ...shared,
    folder,
    sizeLimit: config['sampling-size-limit'],
    retentionMs: config['sampling-retention'],
    hostName: hostname(),
    incarnation: randomBytes(4).toString('hex'),
    now: () => performance.now(),
    wallClock: () => Date.now(),
  });
}

function isRoutedBy(table: RouteTable): IsRouted {
  return (namespace, service, revision) => {
    const route = table.get(namespace, service);
    return route !== undefined && (revision === undefined || route.backends.some((one) => one.revision === revision));
  };
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

try {
  const config = readConfig(process.argv.slice(2));
  if (config === 'help') process.stdout.write(USAGE);
  else await main(config);
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n--help lists the options.\n`);
  process.exitCode = 2;
}
