/** https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md; times in nanoseconds. */
import type { ModelVersion } from '../engine/model-version.ts';
import type { Tally } from '../engine/statistics.ts';

export function modelStatistics({ entry, statistics }: Pick<ModelVersion, 'entry' | 'statistics'>) {
  const failed = [...statistics.failed.values()];
  const total = (read: (tally: Tally) => number) => failed.reduce((sum, tally) => sum + read(tally), 0);
  return {
    name: entry.name,
    version: entry.version,
    last_inference: statistics.lastInference,
    inference_count: statistics.rows,
    execution_count: statistics.executions,
    inference_stats: {
      success: duration(statistics.success),
      fail: duration({ count: total(({ count }) => count), microseconds: total(({ microseconds }) => microseconds) }),
      queue: duration(statistics.queue),
      compute_input: duration(statistics.input),
      compute_infer: duration(statistics.infer),
      compute_output: duration(statistics.output),
      cache_hit: duration(statistics.cacheHit),
      cache_miss: duration(statistics.cacheMiss),
    },
    batch_stats: [...statistics.batches].map(([rows, tally]) => ({ batch_size: rows, compute_infer: duration(tally) })),
  };
}

function duration({ count, microseconds }: Tally) {
  return { count, ns: Math.round(microseconds * 1000) };
}
