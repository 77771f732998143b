/** The SDK, whose parts are put together as its settings say. Loaded only where there are traces. */
import { setTimeout as sleep } from 'node:timers/promises';
import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Sampler } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from './settings.ts';
import type { Tracing, TracingOptions } from './start-tracing.ts';

const LAST_EXPORT_MS = 2_000;

export function startProvider(settings: TracingSettings, options: TracingOptions): Tracing {
  diag.setLogger(diagnosticsTo(options.warn), DiagLogLevel.WARN);
  const named = resourceFromAttributes({
    'service.name': options.serviceName,
    'service.version': options.serviceVersion,
  });
  const exporter = settings.protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
  const provider = new TracerProvider({
    resource: named.merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(settings),
    spanProcessors: [new BatchSpanProcessor({ ...settings, exporter })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return {
    isOn: true,
    async stop() {
      await Promise.race([provider.shutdown().catch(() => {}), sleep(LAST_EXPORT_MS, undefined, { ref: false })]);
    },
  };
}

function samplerOf({ sampler, ratio }: TracingSettings): Sampler {
  const prefix = 'parentbased_';
  const root = rootSampler(sampler.startsWith(prefix) ? sampler.slice(prefix.length) : sampler, ratio);
  return sampler.startsWith(prefix) ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'traceidratio') return new TraceIdRatioBasedSampler(ratio);
  return name === 'always_off' ? new AlwaysOffSampler() : new AlwaysOnSampler();
}

/** Its first word says enough; what follows may be the stack of an error, or headers. */
function diagnosticsTo(warn: (message: string) => void) {
  const tell = (message: string) => warn(`OpenTelemetry: ${message.split('\n', 1)[0]?.slice(0, 300) ?? ''}`);
  return { error: tell, warn: tell, info: () => {}, debug: () => {}, verbose: () => {} };
}
