/** What people read of a check: a statement, with the numbers that make it true. */
import type { AnalysisCheck } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Verdict } from './judge.ts';
import { allowedBeside } from './measure.ts';
import type { Measured } from './measure.ts';

type Check = DeepReadonly<AnalysisCheck>;

const WHAT: Readonly<Record<AnalysisCheck['metric'], string>> = {
  ErrorRate: 'errors',
  LatencyP50: 'p50',
  LatencyP95: 'p95',
  LatencyP99: 'p99',
};

export function messageOf(
  check: Check,
  measured: Measured,
  { verdict, minSamples }: { readonly verdict: Verdict; readonly minSamples: number },
): string {
  const what = WHAT[check.metric];
  const { value, limit, without } = measured;
  if (without !== undefined)
    return `${what}: ${check.metric === 'ErrorRate' ? 'no request' : 'no time'} of ${without} yet`;
  const seen = samplesText(measured, minSamples);
  if (value === undefined || limit === undefined) return `${what}: too few requests to compare yet (${seen})`;
  const statement = statementOf(check, measured, value);
  const chance = verdict === 'Undecided' && value > limit ? ', which may be chance' : '';
  return `${what} ${statement}${chance} (${seen})`;
}

function samplesText({ samples, stable }: Measured, minSamples: number): string {
  if (samples < minSamples) return `${samples} of ${minSamples} samples`;
  if (stable !== undefined && stable.samples < minSamples)
    return `${stable.samples} of ${minSamples} samples of stable`;
  return `${samples} samples`;
}

const MOST_DIGITS = 6;

/** Rounded as far as it is still seen to be true: 1.04 % > 1 %, and not 1 % > 1 %. */
function statementOf(check: Check, { limit = 0, stable }: Measured, value: number): string {
  const isAbove = value > limit;
  for (let digits = 2; ; digits += 1) {
    const own = Number(value.toPrecision(digits));
    const reference = stable?.value === undefined ? limit : Number(stable.value.toPrecision(digits));
    const allowed = stable === undefined ? limit : allowedBeside(check, reference);
    if (own > allowed === isAbove || digits === MOST_DIGITS)
      return `${format(check, own)} ${isAbove ? '>' : '<='} ${limitText(check, format(check, reference))}`;
  }
}

function limitText(check: Check, reference: string): string {
  if (check.notWorseThanStable === undefined) return reference;
  const { factor, by, byLatency } = check.notWorseThanStable;
  if (factor === 1 || by === 0) return `stable's ${reference}`;
  if (factor !== undefined) return `${factor} x stable's ${reference}`;
  return `stable's ${reference} + ${byLatency ?? format(check, by ?? 0)}`;
}

function format({ metric }: Check, value: number): string {
  if (metric === 'ErrorRate') return `${plain(value * 100)} %`;
  return value < 1 ? `${plain(value * 1000)} ms` : `${plain(value)} s`;
}

/** Without what multiplication adds far behind the point. */
function plain(value: number): string {
  return String(Number(value.toPrecision(10)));
}
