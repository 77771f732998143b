/**
 * Metrics of models, under the names that Triton gave them, so that its dashboards and scaling rules work
 * (https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md); `_us` and cache durations are
 * microseconds. What they count is read from the models when somebody asks, so that a request pays nothing for it.
 */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ModelVersion } from '../engine/model-version.ts';
import { FAILURE_REASONS } from '../engine/statistics.ts';
import type { ModelStatistics } from '../engine/statistics.ts';

export const MODEL_LABELS = ['model', 'version'] as const;

export function labelsOf({ entry }: ModelVersion): Record<(typeof MODEL_LABELS)[number], string> {
  return { model: entry.name, version: entry.version };
}

const COUNTERS: readonly (readonly [name: string, help: string, read: (statistics: ModelStatistics) => number])[] = [
  ['nv_inference_request_success', 'Requests that were answered', ({ success }) => success.count],
  ['nv_inference_count', 'Rows that were inferred', ({ rows }) => rows],
  ['nv_inference_exec_count', 'Runs of the model', ({ executions }) => executions],
  ['nv_inference_request_duration_us', 'Time of answered requests', ({ success }) => success.microseconds],
  ['nv_inference_queue_duration_us', 'Time that answered requests waited', ({ queue }) => queue.microseconds],
  ['nv_inference_compute_input_duration_us', 'Time to gather the rows of a run', ({ input }) => input.microseconds],
  ['nv_inference_compute_infer_duration_us', 'Time that the model ran', ({ infer }) => infer.microseconds],
  ['nv_inference_compute_output_duration_us', 'Time to hand out results', ({ output }) => output.microseconds],
  ['nv_cache_num_hits_per_model', 'Answers from the cache', ({ cacheHit }) => cacheHit.count],
  ['nv_cache_num_misses_per_model', 'Requests that the cache did not know', ({ cacheMiss }) => cacheMiss.count],
  ['nv_cache_hit_duration_per_model', 'Time to find answers in the cache', ({ cacheHit }) => cacheHit.microseconds],
  [
    'nv_cache_miss_duration_per_model',
    'Time to look for answers that are not in the cache, and to put them there',
    ({ cacheMiss }) => cacheMiss.microseconds,
  ],
  [
    'slipway_instance_losses_total',
    'Instances that ended by themselves, or hung, and were replaced',
    ({ instancesLost }) => instancesLost,
  ],
];

const GAUGES: readonly (readonly [name: string, help: string, read: (model: ModelVersion) => number])[] = [
  ['nv_inference_pending_request_count', 'Requests that wait for an instance', ({ waiting }) => waiting],
  ['nv_model_load_duration_secs', 'Time to load and warm', ({ statistics }) => statistics.loadSeconds],
  ['slipway_model_running_requests', 'Requests that an instance works on', ({ pending, waiting }) => pending - waiting],
  ['slipway_model_loaded', '1 while it is in memory', (model) => (model.isLoaded() ? 1 : 0)],
  ['slipway_model_batch_rows_limit', 'Rows that share a run at most', ({ batchRows }) => batchRows],
];

export function registerModelMetrics(registry: Registry, models: () => readonly ModelVersion[]): void {
  const common = { labelNames: MODEL_LABELS, registers: [registry] };
  for (const [name, help, read] of COUNTERS) {
    const collect = () => {
      counter.reset();
      for (const model of models()) counter.inc(labelsOf(model), read(model.statistics));
    };
    const counter = new Counter({ ...common, name, help, collect });
  }
  for (const [name, help, read] of GAUGES) {
    const collect = () => {
      gauge.reset();
      for (const model of models()) gauge.set(labelsOf(model), read(model));
    };
    const gauge = new Gauge({ ...common, name, help, collect });
  }
  const failures = new Counter({
    name: 'nv_inference_request_failure',
    help: 'Requests that failed: for want of room or time (REJECTED), given up by their clients (CANCELED), in the model (BACKEND), or wrong (OTHER)',
    labelNames: [...MODEL_LABELS, 'reason'] as const,
    registers: [registry],
    collect: () => {
      failures.reset();
      // Those that never happened as well: nobody sees the first of a series that begins with it.
      for (const model of models())
        for (const reason of FAILURE_REASONS)
          failures.inc({ ...labelsOf(model), reason }, model.statistics.failed.get(reason)?.count ?? 0);
    },
  });
}
