/**
 * How strongly counts speak against a claim, such that one may look as often as one likes.
 *
 * For each of some alternatives to the claim, the likelihood of what was counted under the alternative is divided by that under
 * the claim, and the mean of those ratios is taken: a mixture of sequential probability ratio tests, discrete as in section 3.3 of
 * Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49
 * (2021); the idea is of Robbins, "Statistical methods related to the law of the iterated logarithm" (1970). Whatever the true
 * rate within the claim is, that mean is on average at most 1 after any number of requests, and so, by Ville's inequality, it
 * ever reaches 1/alpha with a probability of at most alpha.
 *
 * Two revisions are compared as Lindon and Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022), do it: which
 * of two shares of traffic a bad request was of. That needs no word on how many are bad, which may change with the time of
 * day. Here the claim may also allow the candidate more than stable, and the bound holds for shares of any size: with r and s as
 * below, (1 + p(r - 1))^n <= exp(n p (r - 1)), and the exponents of both revisions cancel where p = factor * q + by.
 *
 * Both hold for requests that fail independently of each other. Those of real services do not: one hiccup takes many. Therefore
 * no portion of time says more than so much, whatever happened in it: what is bad has to be bad again. Less evidence than there
 * is does no harm to the bound.
 */

/** Of each alternative, the natural logarithm of how much likelier it makes the counts. Evidence of different times adds up. */
export type Evidence = readonly number[];

/** By how much odds or ratios are above what is claimed, in natural logarithms: from a thousandth to many thousand times. */
const ALTERNATIVES: readonly number[] = Array.from({ length: 24 }, (_, index) => 0.001 * 1.5 ** index);

/** With a twentieth of false alarms, three claims and three steps, at least four portions of time have to agree. */
const MOST_OF_A_PORTION = 1.5;

export const NO_EVIDENCE: Evidence = ALTERNATIVES.map(() => 0);

/** The logarithm of the mean over all alternatives: log(1/alpha) is reached by chance with a probability of at most alpha. */
export function strengthOf(evidence: Evidence): number {
  const strongest = Math.max(...evidence);
  const mean = evidence.reduce((total, one) => total + Math.exp(one - strongest), 0) / evidence.length;
  return strongest + Math.log(mean);
}

function evidenceOf(alternative: (excess: number) => number): Evidence {
  return ALTERNATIVES.map((excess) => Math.min(MOST_OF_A_PORTION, alternative(excess)));
}

/** Some requests, and how many of them were bad. */
export interface Counts {
  readonly requests: number;
  readonly bad: number;
}

/** Sums over portions of time, of which each counts by how well it lets one compare. */
export interface Comparison {
  readonly evidence: Evidence;
  /** Of the candidate. Over `weight`: its share. */
  readonly bad: number;
  /** Of stable, as if it had the candidate's requests. Over `weight`: its share. */
  readonly badOfStable: number;
  readonly weight: number;
}

export const NOTHING_COMPARED: Comparison = { evidence: NO_EVIDENCE, bad: 0, badOfStable: 0, weight: 0 };

/** Against the claim that a share of at most `limit` of the requests of a portion of time is bad, from 0 to 1. */
export function compareWithLimit({ requests, bad }: Counts, limit: number): Comparison {
  const evidence = evidenceOf((excess) => bad * excess - requests * Math.log1p(limit * Math.expm1(excess)));
  return { evidence, bad, badOfStable: 0, weight: requests };
}

/** What the candidate is allowed: `factor` times the share of stable, and `by` more. */
export interface Allowance {
  readonly factor: number;
  readonly by: number;
}

/**
 * Against the claim that the candidate's share is within the allowance, from a portion of time in which the split of traffic
 * stayed as it was.
 */
export function compareWithStable(candidate: Counts, stable: Counts, { factor, by }: Allowance): Comparison {
  if (candidate.requests === 0 || stable.requests === 0) return NOTHING_COMPARED;
  /** Of the bad requests, those of the candidate, were it just as bad as is allowed. */
  const expected = (factor * candidate.requests) / (factor * candidate.requests + stable.requests);
  const evidence = evidenceOf((excess) => {
    const s = -Math.log1p(expected * Math.expm1(excess));
    const r = excess + s;
    return candidate.bad * r + stable.bad * s - by * candidate.requests * Math.expm1(r);
  });
  return {
    evidence,
    bad: candidate.bad * (1 - expected),
    badOfStable: (stable.bad * expected) / factor,
    weight: candidate.requests * (1 - expected),
  };
}

export function sumOfComparisons(one: Comparison, other: Comparison): Comparison {
  return {
    evidence: one.evidence.map((strength, index) => strength + (other.evidence[index] ?? 0)),
    bad: one.bad + other.bad,
    badOfStable: one.badOfStable + other.badOfStable,
    weight: one.weight + other.weight,
  };
}
