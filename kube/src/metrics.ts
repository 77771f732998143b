import {
  Counter,
  type CounterConfiguration,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  type Registry,
} from 'prom-client';

// Two clients or two controllers share one registry, so a metric is made once and found again by its name.

export function counter<L extends string>(registry: Registry, options: CounterConfiguration<L>): Counter<L> {
  return (
    (registry.getSingleMetric(options.name) as Counter<L> | undefined) ??
    new Counter({ ...options, registers: [registry] })
  );
}

export function gauge<L extends string>(registry: Registry, options: GaugeConfiguration<L>): Gauge<L> {
  return (
    (registry.getSingleMetric(options.name) as Gauge<L> | undefined) ?? new Gauge({ ...options, registers: [registry] })
  );
}

export function histogram<L extends string>(registry: Registry, options: HistogramConfiguration<L>): Histogram<L> {
  return (
    (registry.getSingleMetric(options.name) as Histogram<L> | undefined) ??
    new Histogram({ ...options, registers: [registry] })
  );
}

const collectors = new WeakMap<Gauge, (() => void)[]>();

/** Runs `update` whenever the gauge is about to be read; a gauge that several share runs the updates of all. */
export function onCollect<L extends string>(metric: Gauge<L>, update: () => void): void {
  const shared = metric as unknown as Gauge & { collect?: () => void };
  const updates = collectors.get(shared) ?? [];
  updates.push(update);
  collectors.set(shared, updates);
  shared.collect = () => updates.forEach((each) => each());
}
