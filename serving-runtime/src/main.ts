import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { readConfig, USAGE } from './config.ts';
import type { Config } from './config.ts';
import { createEngine } from './engine/engine.ts';
import { createContext } from './server/context.ts';
import { createMetrics } from './server/metrics.ts';
import { startModelServer } from './server/model-server.ts';

/** However slow a client is, a pod that is told to go has to be gone before it is killed. */
const HARD_STOP_MS = 30_000;

async function main(config: Config): Promise<void> {
  const log = pino({ level: config['log-level'] });
  const metrics = createMetrics();
  const engine = createEngine(config['model-repository'], config.settings, {
    loaded: ({ name, version }, milliseconds) => {
      metrics.loaded({ model: name, version }, milliseconds / 1000);
      log.info({ model: name, version, milliseconds: Math.round(milliseconds) }, 'model loaded and warm');
    },
    loadFailed: (entry, reason, detail) =>
      log.error({ model: entry?.name, version: entry?.version, reason, detail }, 'model cannot be served'),
    instanceLost: ({ name, version }) =>
      log.error({ model: name, version }, 'worker ended by itself; starting another'),
    runFailed: ({ name, version }, detail) => log.warn({ model: name, version, detail }, 'model refused a request'),
  });
  metrics.observePending(() =>
    engine
      .models()
      .map((model) => ({ model: model.entry.name, version: model.entry.version, pending: model.pending() })),
  );
  const logError = (err: unknown) => log.error({ err }, 'request failed by a fault of the server');
  const context = createContext({ engine, metrics, version: packageJson.version, revision: config.revision, logError });
  const ports = { http: config['http-port'], grpc: config['grpc-port'], metrics: config['metrics-port'] };
  const server = await startModelServer(context, config.host, ports);
  log.info({ ports: server.ports }, 'listening');
  const loading = engine.load().then(() => {
    const obstacle = engine.obstacle();
    if (obstacle === undefined) log.info('ready');
    else log.error({ obstacle }, 'not ready');
  });

  await stopSignal();
  context.drain();
  log.info({ seconds: config['drain-seconds'] }, 'not ready any more; still answering while clients turn away');
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1));
  setTimeout(() => process.exit(1), HARD_STOP_MS).unref();
  await sleep(config['drain-seconds'] * 1000);
  await server.stop();
  await loading;
  await engine.close();
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
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n\n${USAGE}`);
  process.exitCode = 2;
}
