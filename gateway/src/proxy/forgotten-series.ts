/** Which series of `/metrics` go: those of revisions and services that are no more. */
import { Gauge } from 'prom-client';
import type { Counter, Histogram } from 'prom-client';

/** Whether a route leads to the revision; without one, whether the service has a route. */
export type IsRouted = (namespace: string, service: string, revision: string | undefined) => boolean;

/** With the labels `namespace` and `service`, and most of them with `revision`. A gauge above 0 says that something goes on. */
export type ServiceMetric = Counter | Gauge | Histogram;

/** Whom a series is of. */
export interface Subject {
  readonly namespace: string;
  readonly service: string;
  readonly revision: string | undefined;
}

interface Series extends Subject {
  /** Of the subject, as one text. */
  readonly key: string;
  readonly goesOn: boolean;
  readonly remove: () => void;
}

/** Long enough for whoever reads the metrics to have the last counts. */
const REMOVED_AFTER_MS = 300_000;

/** Returns what removes the series of whom no route leads to, and has not for five minutes, and who has nothing to do any more. */
export function createSeriesRemoval(
  metrics: readonly ServiceMetric[],
  onRemoved: (subject: Subject) => void,
): (isRouted: IsRouted, now: number) => Promise<void> {
  let unroutedSince = new Map<string, number>();
  return async (isRouted, now) => {
    const all = (await Promise.all(metrics.map(seriesOf))).flat();
    const busy = new Set(all.filter(({ goesOn }) => goesOn).map(({ key }) => key));
    const unrouted = all.filter((one) => !busy.has(one.key) && !isRouted(one.namespace, one.service, one.revision));
    const before = unroutedSince;
    unroutedSince = new Map(unrouted.map(({ key }) => [key, before.get(key) ?? now]));
    for (const series of unrouted) {
      if (now - (unroutedSince.get(series.key) ?? now) < REMOVED_AFTER_MS) continue;
      series.remove();
      onRemoved(series);
    }
  };
}

async function seriesOf(metric: ServiceMetric): Promise<Series[]> {
  const { values } = await metric.get();
  return values.flatMap(({ labels: all, value }) => {
    // A histogram tells a value for each bucket.
    const { le: _, ...labels } = all as Readonly<Record<string, string>>;
    const { namespace, service, revision } = labels;
    if (namespace === undefined || service === undefined) return [];
    const key = `${namespace}/${service}/${revision ?? ''}`;
    const goesOn = metric instanceof Gauge && value > 0;
    return [{ namespace, service, revision, key, goesOn, remove: () => metric.remove(labels) }];
  });
}
