/** What the gates of a Model say of a version: a pure function of what never changes, so that it never changes either. */
import { betterOf } from '@slipway/crds';
import type { Gate, MetricSource, ModelVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Evidence } from './evidence.ts';

export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly source: MetricSource;
}

export interface Verdict {
  readonly name: string;
  readonly verdict: 'Passed' | 'Failed';
  readonly message: string;
}

/** On a version that `slipway promote` has brought from elsewhere. */
const ORIGIN_ANNOTATION = 'slipway.dev/origin';

/** Relative; differences of sums in binary are a little off: 0.8 - 0.1 is above 0.7. */
const ROUNDING = 1e-9;

export function metricsOf(
  { metadata, spec }: DeepReadonly<ModelVersion>,
  evidence: Evidence | undefined,
): readonly Metric[] {
  const measured = Object.entries(evidence?.metrics ?? {}).map(([name, value]) => ({ name, value }));
  const source = sourceOf({ metadata, spec });
  return [
    ...measured.map((metric) => ({ ...metric, source: 'Evaluation' as const })).sort(byName),
    ...(spec.metrics ?? []).map((metric) => ({ ...metric, source })),
  ];
}

function sourceOf({ metadata, spec }: Pick<DeepReadonly<ModelVersion>, 'metadata' | 'spec'>): MetricSource {
  if (metadata.annotations?.[ORIGIN_ANNOTATION] !== undefined) return 'Imported';
  return spec.lineage?.trainingJob === undefined ? 'Declared' : 'Training';
}

function byName(a: Metric, b: Metric): number {
  return a.name < b.name ? -1 : 1;
}

/** @param evidence undefined where the Model asks for no evaluation. */
export function verdictsOf(
  gates: readonly DeepReadonly<Gate>[],
  metrics: readonly Metric[],
  evidence: Evidence | undefined,
): readonly Verdict[] {
  return gates.map((gate) => {
    const failures = judge(gate, metrics, evidence);
    const bad = failures.filter(({ passes }) => !passes);
    const told = (bad.length > 0 ? bad : failures).map(({ message }) => message);
    return { name: gate.name, verdict: bad.length > 0 ? 'Failed' : 'Passed', message: told.join(' ') };
  });
}

interface Judgement {
  readonly passes: boolean;
  readonly message: string;
}

function judge(
  gate: DeepReadonly<Gate>,
  metrics: readonly Metric[],
  evidence: Evidence | undefined,
): readonly Judgement[] {
  const found = gate.sources
    .map((source) => metrics.find((metric) => metric.name === gate.metric && metric.source === source))
    .find((metric) => metric !== undefined);
  if (found === undefined) return [missing(gate, `${gate.metric} of source ${gate.sources.join(' or ')} is not there`)];
  const { min, max, notWorseThan } = gate;
  const is = `${gate.metric} is ${inWords(found.value)}`;
  return [
    ...(min === undefined ? [] : [{ passes: found.value >= min, message: `${is}, and must not be below ${min}.` }]),
    ...(max === undefined ? [] : [{ passes: found.value <= max, message: `${is}, and must not be above ${max}.` }]),
    ...(notWorseThan === undefined ? [] : [compare(gate, found.value, evidence)]),
  ];
}

function missing({ whenMissing }: DeepReadonly<Gate>, what: string): Judgement {
  return { passes: whenMissing === 'Pass', message: `${what}, and whenMissing is ${whenMissing}.` };
}

function compare(gate: DeepReadonly<Gate>, value: number, evidence: Evidence | undefined): Judgement {
  const { alias, by, whenNoChampion } = gate.notWorseThan ?? { alias: '', by: 0, whenNoChampion: 'Fail' };
  const version = evidence?.champions.find((champion) => champion.alias === alias)?.modelVersion;
  if (version === undefined) {
    const message = `There was no ${alias} to compare with, and whenNoChampion is ${whenNoChampion}.`;
    return { passes: whenNoChampion === 'Pass', message };
  }
  const other = evidence?.rescored[version]?.[gate.metric];
  if (other === undefined) {
    const problem = evidence?.problems?.[version];
    const why = problem === undefined ? '' : `: ${problem}`;
    return missing(gate, `${gate.metric} of ${alias} (${version}) is not there${why}`);
  }
  const worse = betterOf(gate.metric) === 'Lower' ? value - other : other - value;
  const message = `${gate.metric} is ${inWords(value)}, that of ${alias} (${version}) on the same rows ${inWords(other)}, and it may be worse by at most ${by}.`;
  return { passes: worse <= by + ROUNDING * Math.max(Math.abs(value), Math.abs(other)), message };
}

function inWords(value: number): string {
  return String(Number(value.toPrecision(6)));
}
