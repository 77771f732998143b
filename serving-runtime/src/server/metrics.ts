/** Metrics under the names that Triton gave them, so that its dashboards and scaling rules work. Durations are in microseconds. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ErrorCode } from '../protocol/errors.ts';

export interface ModelLabels {
  readonly model: string;
  readonly version: string;
}

export interface ServedRequest {
  readonly rows: number;
  readonly queueMicroseconds: number;
  /** In the worker, ONNX Runtime's part included. */
  readonly microseconds: number;
  readonly totalMicroseconds: number;
}

export interface ServingMetrics {
  readonly registry: Registry;
  succeeded(labels: ModelLabels, request: ServedRequest): void;
  failed(labels: ModelLabels, code: ErrorCode): void;
  loaded(labels: ModelLabels, seconds: number): void;
  /** Called at each scrape. */
  observePending(read: () => readonly (ModelLabels & { readonly pending: number })[]): void;
}

const MODEL = ['model', 'version'] as const;

export function createMetrics(): ServingMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames: MODEL, registers: [registry] });
  const success = counter('nv_inference_request_success', 'Requests that were answered');
  const failure = new Counter({
    name: 'nv_inference_request_failure',
    help: 'Requests that failed',
    labelNames: [...MODEL, 'reason'] as const,
    registers: [registry],
  });
  const rows = counter('nv_inference_count', 'Rows that were inferred');
  const executions = counter('nv_inference_exec_count', 'Runs of the model');
  const total = counter('nv_inference_request_duration_us', 'Time of answered requests');
  const queue = counter('nv_inference_queue_duration_us', 'Time that answered requests waited');
  const compute = counter('nv_inference_compute_infer_duration_us', 'Time that the model ran');
  const load = new Gauge({
    name: 'nv_model_load_duration_secs',
    help: 'Time to load and warm',
    labelNames: MODEL,
    registers: [registry],
  });
  let pendingOf: () => readonly (ModelLabels & { readonly pending: number })[] = () => [];
  const pending = new Gauge({
    name: 'nv_inference_pending_request_count',
    help: 'Requests that wait or run',
    labelNames: MODEL,
    registers: [registry],
    collect: () => {
      for (const { model, version, pending: count } of pendingOf()) pending.set({ model, version }, count);
    },
  });
  return {
    registry,
    succeeded: (labels, request) => {
      success.inc(labels);
      rows.inc(labels, request.rows);
      executions.inc(labels);
      total.inc(labels, request.totalMicroseconds);
      queue.inc(labels, request.queueMicroseconds);
      compute.inc(labels, request.microseconds);
    },
    failed: (labels, code) => failure.inc({ ...labels, reason: FAILURE_REASONS[code] ?? 'OTHER' }),
    loaded: (labels, seconds) => load.set(labels, seconds),
    observePending: (read) => {
      pendingOf = read;
    },
  };
}

const FAILURE_REASONS: Partial<Record<ErrorCode, string>> = {
  Unavailable: 'REJECTED',
  DeadlineExceeded: 'CANCELED',
  Internal: 'BACKEND',
};
