/**
 * What the standard variables ask for (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables). Those of the
 * exporter itself, OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _TIMEOUT, _COMPRESSION and _CERTIFICATE, it reads by itself, and
 * OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are read with the resource.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface TracingSettings {
  readonly protocol: Protocol;
  readonly sampler: SamplerName;
  /** Of the traces, 0 to 1; for the samplers by ratio. Default 1. */
  readonly ratio: number;
  /** Milliseconds between two exports. Default 5,000. */
  readonly scheduledDelayMillis: number;
  /** Spans that wait for an export; more are dropped. Default 2,048. */
  readonly maxQueueSize: number;
  /** Default 512. */
  readonly maxExportBatchSize: number;
}

export type Protocol = 'http/protobuf' | 'http/json';
export const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;
export type SamplerName = (typeof SAMPLERS)[number] | `parentbased_${(typeof SAMPLERS)[number]}`;

export interface TracingChoice {
  /** Absent: no traces. */
  readonly settings?: TracingSettings;
  /** What was asked for and cannot be had, a sentence each. */
  readonly warnings: readonly string[];
}

/** Off, unless there is an endpoint or OTEL_TRACES_EXPORTER is `otlp`. What cannot be read counts as not set, as the standard says. */
export function readTracing(environment: Environment): TracingChoice {
  const warnings: string[] = [];
  const value = (name: string) => environment[name]?.trim() || undefined;
  if (!isWanted(value, warnings)) return { warnings };
  const protocol = value('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? value('OTEL_EXPORTER_OTLP_PROTOCOL');
  if (!isProtocol(protocol ?? HTTP_PROTOBUF)) {
    warnings.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}": traces go by http/protobuf or http/json (port 4318 of a collector), so there are none.`,
    );
    return { warnings };
  }

  function read<T extends string | number>(name: string, fallback: T, parse: (text: string) => T | undefined): T {
    const text = value(name);
    const parsed = text === undefined ? undefined : parse(text);
    if (text !== undefined && parsed === undefined)
      warnings.push(`${name} is "${text}", which it cannot be: ${fallback} is used.`);
    return parsed ?? fallback;
  }

  const maxQueueSize = read('OTEL_BSP_MAX_QUEUE_SIZE', 2048, toCount);
  const settings: TracingSettings = {
    protocol: protocol === 'http/json' ? protocol : HTTP_PROTOBUF,
    sampler: read('OTEL_TRACES_SAMPLER', 'parentbased_always_on', toSampler),
    ratio: read('OTEL_TRACES_SAMPLER_ARG', 1, toRatio),
    scheduledDelayMillis: read('OTEL_BSP_SCHEDULE_DELAY', 5000, toCount),
    maxQueueSize,
    maxExportBatchSize: Math.min(read('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, toCount), maxQueueSize),
  };
  return { settings, warnings };
}

const HTTP_PROTOBUF = 'http/protobuf';

function isWanted(value: (name: string) => string | undefined, warnings: string[]): boolean {
  if (value('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return false;
  const exporter = value('OTEL_TRACES_EXPORTER');
  const endpoint = value('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? value('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (exporter === undefined) return endpoint !== undefined;
  if (exporter !== 'otlp' && exporter !== 'none')
    warnings.push(`OTEL_TRACES_EXPORTER is "${exporter}": only otlp and none are known, so there are no traces.`);
  return exporter === 'otlp';
}

function isProtocol(protocol: string): protocol is Protocol {
  return protocol === HTTP_PROTOBUF || protocol === 'http/json';
}

function toSampler(text: string): SamplerName | undefined {
  return SAMPLERS.flatMap((name) => [name, `parentbased_${name}`] as const).find((name) => name === text);
}

function toRatio(text: string): number | undefined {
  const ratio = Number(text);
  return ratio >= 0 && ratio <= 1 ? ratio : undefined;
}

function toCount(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
