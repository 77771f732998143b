import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { readConfig, USAGE } from './config.ts';
import type { Config } from './config.ts';
import { createEngine } from './engine/engine.ts';
import type { EngineEvents } from './engine/engine.ts';
import type { RepositoryEntry } from './engine/repository.ts';
import { accessFromFlags } from './server/access/access-from-flags.ts';
import { createContext } from './server/context.ts';
import { createMetrics } from './server/metrics.ts';
import type { ServingMetrics } from './server/metrics.ts';
import { startModelServer } from './server/model-server.ts';
import { createStartProgress } from './server/start-progress.ts';
import type { StartProgress } from './server/start-progress.ts';
import { watchingFromFlags } from './server/watching.ts';
import type { TlsOptions } from './transport/tls/tls-ports.ts';

/** However slow a client is, a pod that is told to go has to be gone before it is killed. */
const HARD_STOP_MS = 30_000;

async function main(config: Config): Promise<void> {
  const log = pino({ level: config['log-level'] });
  const engineOptions = {
    root: config['model-repository'],
    settings: config.settings,
    memoryBudget: config['memory-budget'],
  };
  const progress = createStartProgress(log);
  const stepAsked: EngineEvents['stepAsked'] = ({ name }, step, seconds) => metrics.stepAsked(name, step, seconds);
  const engine = createEngine(engineOptions, { ...logEvents(log, progress), stepAsked });
  const metrics = createMetrics(engine.models);
  const logError = (err: unknown) => log.error({ err }, 'request failed by a fault of the server');
  const audit = (action: string, model: string) => log.info({ action, model }, 'changed by the admin port');
  const { revision } = config;
  const authorize = accessFromFlags(config, (source, err) =>
    log.error({ source, err }, 'tokens or keys cannot be read anew; those from before go on'),
  );
  const watching = await watchingFromFlags(config, { environment: process.env, log, metrics });
  const context = createContext({ engine, metrics, version: packageJson.version, revision, logError, audit });
  const server = await startModelServer(context, {
    host: config.host,
    ports: {
      http: config['http-port'],
      grpc: config['grpc-port'],
      metrics: config['metrics-port'],
      admin: config['admin-port'],
    },
    receiveMs: config['receive-seconds'] * 1000,
    corsOrigins: config['cors-origins'],
    transport: config.transport,
    connections: { total: config['max-connections'], perAddress: config['max-connections-per-address'] },
    tls: tlsOptions(config, log, metrics),
    authorize,
    observer: watching.observer,
  });
  log.info({ ports: server.ports }, 'listening');
  const loading = engine.start().then(() => progress.ended(engine.obstacle()));

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
  await watching.close();
  process.exit(0);
}

function tlsOptions(config: Config, log: Logger, metrics: ServingMetrics): TlsOptions | undefined {
  const { 'tls-cert-file': cert, 'tls-key-file': key, 'tls-client-ca-file': clientCa } = config;
  if (cert === undefined || key === undefined) return undefined;
  return {
    files: { cert, key, clientCa },
    events: {
      loaded: ({ notAfterSeconds }) => {
        metrics.certificateLoaded(notAfterSeconds);
        log.info({ notAfter: new Date(notAfterSeconds * 1000) }, 'certificate in use');
      },
      rejected: (err) => {
        metrics.certificateRejected();
        log.error({ err }, 'the new certificate cannot be used; going on with the one before');
      },
    },
  };
}

function logEvents(log: Logger, progress: StartProgress): Omit<EngineEvents, 'stepAsked'> {
  const of = ({ name, version }: RepositoryEntry) => ({ model: name, version });
  return {
    loading: progress.loading,
    loaded: (entry, { seconds, batchRows }) => {
      progress.loaded(entry.bytes);
      log.info(
        { ...of(entry), seconds: Number(seconds.toFixed(3)), bytes: entry.bytes, batchRows },
        'model loaded and warm',
      );
    },
    loadFailed: (entry, reason, detail) => log.error({ ...of(entry), reason, detail }, 'model cannot be loaded'),
    unusable: (model, reason) => log.error({ model, reason }, 'cannot be served'),
    evicted: (entry) => log.info(of(entry), 'model given up to make room; the next request loads it again'),
    instanceLost: (entry) => log.error(of(entry), 'instance ended by itself; starting another'),
    runFailed: (entry, detail) => log.warn({ ...of(entry), detail }, 'model refused a request'),
    stepReady: (entry, step) => log.info({ ...of(entry), step }, 'step is ready'),
    stepNotReady: (entry, step, reason) => log.warn({ ...of(entry), step, reason }, 'step is not ready'),
    stepFailed: (entry, step, detail) => log.error({ ...of(entry), step, detail }, 'step failed on a request'),
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
