import type { ModelVersion } from '../engine/model-version.ts';

const NAME = 'slipway_batch_rows';
/** Upper bounds, inclusive. */
const BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024] as const;

/**
 * How many rows ran together, as Prometheus reads it. The runs are counted by their rows already; a histogram of prom-client would
 * have to be told of each again.
 */
export function batchHistogram(models: readonly ModelVersion[]): string {
  const head = [
    `# HELP ${NAME} Rows of a run of the model, over all requests that shared it`,
    `# TYPE ${NAME} histogram`,
  ];
  return [...head, ...models.flatMap(linesOf), ''].join('\n');
}

/** Names of models and versions hold nothing that would have to be escaped. */
function linesOf({ entry, statistics: { batches, executions, rows } }: ModelVersion): string[] {
  const labels = `model="${entry.name}",version="${entry.version}"`;
  const runsUpTo = (bound: number) =>
    [...batches].reduce((sum, [size, { count }]) => (size <= bound ? sum + count : sum), 0);
  return [
    ...BUCKETS.map((bound) => `${NAME}_bucket{le="${bound}",${labels}} ${runsUpTo(bound)}`),
    `${NAME}_bucket{le="+Inf",${labels}} ${executions}`,
    `${NAME}_sum{${labels}} ${rows}`,
    `${NAME}_count{${labels}} ${executions}`,
  ];
}
