/** Who is told of requests, as flags and environment say. */
import { startTracing } from '@slipway/telemetry';
import type { TracingOptions } from '@slipway/telemetry';
import type { Logger } from 'pino';
import packageJson from '../../package.json' with { type: 'json' };
import type { Config } from '../config.ts';
import { createAccessLog } from './access-log.ts';
import type { ServingMetrics } from './metrics.ts';
import { createPayloadLog } from './payload-log/payload-log.ts';
import type { PayloadLog } from './payload-log/payload-log.ts';
import { createObserver } from './request-watcher.ts';
import type { RequestObserver } from './request-watcher.ts';

export interface Watching {
  /** undefined: nobody is told. */
  readonly observer: RequestObserver | undefined;
  /** Hands on what waits to be told. */
  close(): Promise<void>;
}

export interface WatchingDeps {
  readonly environment: TracingOptions['environment'];
  readonly log: Logger;
  readonly metrics: ServingMetrics;
}

const MIB = 1024 * 1024;

/** @throws {Error} when a file cannot be written. */
export async function watchingFromFlags(config: Config, deps: WatchingDeps): Promise<Watching> {
  const { environment, log, metrics } = deps;
  const which = config['access-log'];
  const accessLog = which === 'off' ? undefined : createAccessLog(which, metrics.accessLineDropped);
  const payloads = payloadLog(config, deps);
  const tracing = await startTracing({
    serviceName: 'slipway-serving-runtime',
    serviceVersion: packageJson.version,
    environment,
    warn: (message) => log.warn(message),
  });
  const spans = tracing.isOn ? (await import('./request-spans.ts')).createRequestSpans() : undefined;
  return {
    // Spans first, so that a line of the log knows its trace.
    observer: createObserver([spans, accessLog, payloads]),
    close: async () => {
      accessLog?.close();
      await Promise.all([payloads?.close(), tracing.stop()]);
    },
  };
}

function payloadLog(config: Config, { log, metrics }: WatchingDeps): PayloadLog | undefined {
  const file = config['access-log-payload-file'];
  if (file === undefined) return undefined;
  return createPayloadLog({
    file,
    rate: config['access-log-payloads'],
    maxBytes: config['access-log-payload-bytes'],
    maxFileBytes: 100 * MIB,
    maxWaitingBytes: 16 * MIB,
    dropped: metrics.payloadDropped,
    stateChanged: (failure) => {
      if (failure === undefined) log.info('payloads are written again');
      else log.error({ failure }, 'payloads cannot be written, and are dropped until they can');
    },
  });
}
