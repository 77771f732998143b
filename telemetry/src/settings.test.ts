import { describe, expect, it } from 'vitest';
import { readTracing } from './settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('traces are off', () => {
  it.each([
    ['by default', {}],
    ['with an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    ['with none for an exporter', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    ['with the SDK disabled', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'TRUE' }],
  ])('%s', (_, environment) => {
    expect(readTracing(environment)).toEqual({ warnings: [] });
  });

  it('with a word about it when what is wanted cannot be had', () => {
    const { settings, warnings } = readTracing({ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    expect(settings).toBeUndefined();
    expect(warnings).toEqual([
      'OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": traces go by http/protobuf or http/json (port 4318 of a collector), so there are none.',
    ]);
    expect(readTracing({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'zipkin' })).toEqual({
      warnings: ['OTEL_TRACES_EXPORTER is "zipkin": only otlp and none are known, so there are no traces.'],
    });
  });
});

describe('traces are on', () => {
  it.each([
    ['with an endpoint', ENDPOINT],
    ['with one for traces alone', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }],
    ['with the exporter, for its default endpoint', { OTEL_TRACES_EXPORTER: 'otlp' }],
  ])('%s, with the defaults of the standard', (_, environment) => {
    expect(readTracing(environment)).toEqual({
      settings: {
        protocol: 'http/protobuf',
        sampler: 'parentbased_always_on',
        ratio: 1,
        scheduledDelayMillis: 5000,
        maxQueueSize: 2048,
        maxExportBatchSize: 512,
      },
      warnings: [],
    });
  });

  it('as the other variables say', () => {
    const { settings } = readTracing({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_MAX_QUEUE_SIZE: '64',
    });

    expect(settings).toEqual({
      protocol: 'http/json',
      sampler: 'traceidratio',
      ratio: 0.25,
      scheduledDelayMillis: 100,
      maxQueueSize: 64,
      maxExportBatchSize: 64,
    });
  });

  it('with the defaults for what cannot be read, and a word about it', () => {
    const { settings, warnings } = readTracing({
      ...ENDPOINT,
      OTEL_TRACES_SAMPLER: 'jaeger_remote',
      OTEL_TRACES_SAMPLER_ARG: '25%',
      OTEL_BSP_SCHEDULE_DELAY: '-1',
    });

    expect(settings).toMatchObject({ sampler: 'parentbased_always_on', ratio: 1, scheduledDelayMillis: 5000 });
    expect(warnings).toEqual([
      'OTEL_TRACES_SAMPLER is "jaeger_remote", which it cannot be: parentbased_always_on is used.',
      'OTEL_TRACES_SAMPLER_ARG is "25%", which it cannot be: 1 is used.',
      'OTEL_BSP_SCHEDULE_DELAY is "-1", which it cannot be: 5000 is used.',
    ]);
  });
});
