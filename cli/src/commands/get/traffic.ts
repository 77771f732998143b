/** What gateways count (gateway/README.md, The admin port), and what two readings say of the time between them. */

/** One reading of one gateway. */
export interface Reading {
  /** Milliseconds of some clock that only goes forward. */
  readonly atMs: number;
  /** By `namespace/name` of the service, then by revision. */
  readonly services: ReadonlyMap<string, ReadonlyMap<string, Counts>>;
}

/** Of one revision, since the gateway began to count. */
export interface Counts {
  readonly requests: number;
  /** Those of them that failed by the fault of the servers. */
  readonly errors: number;
  /** Upper bound in seconds -> requests that took no longer. */
  readonly durations: ReadonlyMap<number, number>;
}

export interface Traffic {
  /** Requests a second that ended, those that failed included. */
  readonly rate: number;
  /** Seconds until 99 % of them had their answer; undefined where there were none. */
  readonly p99: number | undefined;
  /** Share of them that the servers failed, 0 to 1; undefined where there were none. */
  readonly errors: number | undefined;
  /** By revision, of those that were given any: which share of them, 0 to 1. */
  readonly shares: ReadonlyMap<string, number>;
}

const REQUESTS = 'slipway_gateway_requests_total';
const DURATIONS = 'slipway_gateway_request_duration_seconds_bucket';
/** 5xx, and UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE. */
const ERRORS: Readonly<Record<string, RegExp>> = { http: /^5/, grpc: /^(?:2|4|13|14)$/ };

/** Metrics in the text format of Prometheus. */
export function readMetrics(text: string, atMs: number): Reading {
  const services = new Map<string, Map<string, { requests: number; errors: number; durations: Map<number, number> }>>();
  for (const { name, labels, value } of samplesOf(text)) {
    const key = `${labels.get('namespace') ?? ''}/${labels.get('service') ?? ''}`;
    const revision = labels.get('revision') ?? '';
    const revisions = services.get(key) ?? new Map();
    const counts = revisions.get(revision) ?? { requests: 0, errors: 0, durations: new Map() };
    services.set(key, revisions.set(revision, counts));
    if (name === DURATIONS) add(counts.durations, boundOf(labels.get('le')), value);
    else {
      counts.requests += value;
      if (ERRORS[labels.get('protocol') ?? '']?.test(labels.get('code') ?? '') === true) counts.errors += value;
    }
  }
  return { atMs, services };
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** Those that are looked at; a gateway of many services has a hundred times as many others. */
function* samplesOf(text: string): Generator<Sample> {
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-z_]+)\{(.*)\} (\S+)/.exec(line) ?? [];
    if (name !== REQUESTS && name !== DURATIONS) continue;
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', one = '']) => [key, one] as const);
    yield { name, labels: new Map(pairs), value: Number(value) };
  }
}

function boundOf(le: string | undefined): number {
  return le === '+Inf' ? Infinity : Number(le);
}

function add<K>(map: Map<K, number>, key: K, value: number): void {
  map.set(key, (map.get(key) ?? 0) + value);
}

/** Of one service, over all gateways that were read twice; undefined where none was. */
export function trafficBetween(
  pairs: readonly (readonly [before: Reading, after: Reading])[],
  service: string,
): Traffic | undefined {
  if (pairs.length === 0) return undefined;
  let rate = 0;
  let errors = 0;
  const requests = new Map<string, number>();
  const durations = new Map<number, number>();
  for (const [before, after] of pairs) {
    const seconds = (after.atMs - before.atMs) / 1000;
    for (const [revision, counts] of after.services.get(service) ?? []) {
      const grown = growth(before.services.get(service)?.get(revision), counts);
      rate += grown.requests / seconds;
      errors += grown.errors;
      add(requests, revision, grown.requests);
      for (const [bound, count] of grown.durations) add(durations, bound, count);
    }
  }
  const all = [...requests.values()].reduce((sum, count) => sum + count, 0);
  if (all === 0) return { rate: 0, p99: undefined, errors: undefined, shares: new Map() };
  const given = [...requests].filter(([, count]) => count > 0);
  const shares = given.map(([revision, count]) => [revision, count / all] as const);
  return { rate, p99: quantile(durations, 0.99), errors: errors / all, shares: new Map(shares) };
}

/** What was counted since `before`. A gateway that counts less than before began anew, with a new process. */
function growth(before: Counts | undefined, after: Counts): Counts {
  if (before === undefined || after.requests < before.requests) return after;
  const durations = [...after.durations].map(
    ([bound, count]) => [bound, count - (before.durations.get(bound) ?? 0)] as const,
  );
  return {
    requests: after.requests - before.requests,
    errors: after.errors - before.errors,
    durations: new Map(durations),
  };
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
