/** Turns on what `@opentelemetry/api` does nothing about by itself. */
import type { Environment } from './settings.ts';
import { readTracing } from './settings.ts';

export interface TracingOptions {
  /** Unless OTEL_SERVICE_NAME says another. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly environment: Environment;
  /** What is wrong with the settings, or with the way to the collector: a sentence, without secrets. */
  readonly warn: (message: string) => void;
}

export interface Tracing {
  readonly isOn: boolean;
  /** Sends what waits, for two seconds at most: a collector that does not answer holds nothing up. */
  stop(): Promise<void>;
}

const OFF: Tracing = { isOn: false, stop: async () => {} };

/** Spans of this process go to a collector where the standard variables of OpenTelemetry ask for it; nothing is even loaded otherwise. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { settings, warnings } = readTracing(options.environment);
  for (const warning of warnings) options.warn(warning);
  if (settings === undefined) return OFF;
  const { startProvider } = await import('./provider.ts');
  return startProvider(settings, options);
}
