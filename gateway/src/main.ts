/** Starts a gateway: routes of the API in front of model servers. */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import { pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import packageJson from '../package.json' with { type: 'json' };
import { createAdminServer } from './admin-server.ts';
import { readConfig, USAGE } from './config.ts';
import type { Config } from './config.ts';
import { createRouteSource } from './control/route-source.ts';
import { createStream } from './control/stream.ts';
import { startDataPlane } from './data-plane.ts';
import { createLoads } from './proxy/loads.ts';
import { createGatewayMetrics } from './proxy/metrics.ts';
import { createRouteTable } from './routing/route-table.ts';

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
  const admin = createAdminServer({ table, registry, stream, obstacle });
  const dataPlane = await startDataPlane({
    table,
    metrics: createGatewayMetrics(registry, loads),
    host: config.host,
    port: config.port,
    connections: { total: config['max-connections'], perAddress: config['max-connections-per-address'] },
    onFault: (err) => log.error({ err }, 'a connection ended by a fault of the gateway'),
  });
  await new Promise<void>((resolve, reject) => {
    admin.once('error', reject);
    admin.listen(config['admin-port'], config.host, resolve);
  });
  log.info({ ports: { data: dataPlane.port, admin: (admin.address() as AddressInfo).port } }, 'listening');
  const stopWatching = new AbortController();
  const watching = source.run(stopWatching.signal);

  await stopSignal();
  isDraining = true;
  log.info({ seconds: config['drain-seconds'] }, 'not ready any more; still taking requests while clients turn away');
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1));
  // Routes are followed to the end: pods come and go meanwhile.
  await sleep(config['drain-seconds'] * 1000);
  await dataPlane.stop(config['grace-seconds'] * 1000);
  // The operator hears of the last answer, too, before it hears no more.
  await stream.close();
  stopWatching.abort();
  await watching;
  await client.close();
  log.info('stopped');
  process.exit(0);
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
