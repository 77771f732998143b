/** What model servers count (serving-runtime/README.md, Metrics), and what two readings say of the time between them. */

/** One reading of one pod, of one model in all its versions. */
export interface Reading {
  /** Milliseconds of some clock that only goes forward. */
  readonly atMs: number;
  readonly answered: number;
  /** Failures by reason: REJECTED, BACKEND, CANCELED, OTHER. */
  readonly failed: ReadonlyMap<string, number>;
  /** Upper bound in seconds -> answers that took no longer. */
  readonly durations: ReadonlyMap<number, number>;
}

export interface Traffic {
  /** Requests a second, those that failed included. */
  readonly rate: number;
  /** Seconds, as the server counts them, without the network; undefined where nothing was answered. */
  readonly p99: number | undefined;
  /** Share of requests that the server failed, 0 to 1; undefined where there were none. Those that were wrong do not count. */
  readonly errors: number | undefined;
}

const SERVER_FAILURES = ['REJECTED', 'BACKEND'];

/** Metrics in the text format of Prometheus, for one model. */
export function readMetrics(text: string, model: string, atMs: number): Reading {
  let answered = 0;
  const failed = new Map<string, number>();
  const durations = new Map<number, number>();
  for (const { name, labels, value } of samplesOf(text)) {
    if (labels.get('model') !== model) continue;
    if (name === 'nv_inference_request_success') answered += value;
    if (name === 'nv_inference_request_failure') add(failed, labels.get('reason') ?? 'OTHER', value);
    if (name === 'slipway_inference_duration_seconds_bucket') add(durations, boundOf(labels.get('le')), value);
  }
  return { atMs, answered, failed, durations };
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

function* samplesOf(text: string): Generator<Sample> {
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, key = '', quoted = '']): [string, string] => [
        key,
        quoted.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
      ],
    );
    yield { name, labels: new Map(pairs), value: Number(value) };
  }
}

function boundOf(le: string | undefined): number {
  return le === '+Inf' ? Infinity : Number(le);
}

function add<K>(map: Map<K, number>, key: K, value: number): void {
  map.set(key, (map.get(key) ?? 0) + value);
}

/** Two readings of each pod as one service; pods that were read once only do not count. undefined where none was read twice. */
export function trafficBetween(pairs: readonly (readonly [before: Reading, after: Reading])[]): Traffic | undefined {
  if (pairs.length === 0) return undefined;
  let rate = 0;
  let requests = 0;
  let serverFailures = 0;
  const durations = new Map<number, number>();
  for (const [before, after] of pairs) {
    const seconds = (after.atMs - before.atMs) / 1000;
    const answered = increase(before.answered, after.answered);
    const failures = [...after.failed].map(([reason, count]) => ({
      reason,
      count: increase(before.failed.get(reason) ?? 0, count),
    }));
    const all = answered + sum(failures);
    requests += all;
    rate += seconds > 0 ? all / seconds : 0;
    serverFailures += sum(failures.filter(({ reason }) => SERVER_FAILURES.includes(reason)));
    for (const [bound, count] of after.durations)
      add(durations, bound, increase(before.durations.get(bound) ?? 0, count));
  }
  return { rate, p99: quantile(durations, 0.99), errors: requests === 0 ? undefined : serverFailures / requests };
}

/** A counter that is smaller than before began anew, with a new process. */
function increase(before: number, after: number): number {
  return after >= before ? after - before : after;
}

function sum(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}

/** As Prometheus' histogram_quantile: even spread within a bucket; beyond the last bound, that bound. */
function quantile(buckets: ReadonlyMap<number, number>, share: number): number | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = share * total;
  let lower = { bound: 0, count: 0 };
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (bound === Infinity) return lower.bound;
      return lower.bound + ((bound - lower.bound) * (rank - lower.count)) / (count - lower.count);
    }
    lower = { bound, count };
  }
  return lower.bound;
}
