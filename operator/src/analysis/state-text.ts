/** The state of an analysis as a text for an annotation, of some kilobytes. */
import { formatLatencyCounts, latencyCountsText, parseLatencyCounts } from '@slipway/crds/latency-counts';
import { z } from 'zod';
import { parseJson } from '../parse-json.ts';
import type { AnalysisState } from './analysis-state.ts';
import { NO_EVIDENCE } from './evidence.ts';
import type { Pair } from './revision-statistics.ts';

/** Of what is written here. Another one is another operator's, and is not understood. */
const VERSION = 1;
/** An object of Kubernetes may have 256 KiB of annotations in all. */
const MAX_CHARACTERS = 64 * 1024;

const count = z.number().int().min(0);
const revision = z
  .object({ requests: count, errors: count, latencies: latencyCountsText.transform(parseLatencyCounts) })
  .refine(({ requests, errors }) => errors <= requests);
const pair = z.object({ candidate: revision, stable: revision });
const sum = z.number().min(0);
const comparison = z.object({
  evidence: z.array(z.number()).length(NO_EVIDENCE.length),
  bad: sum,
  badOfStable: sum,
  weight: sum,
});
const stateText = z.object({
  version: z.literal(VERSION),
  compared: pair,
  open: pair,
  comparisons: z.array(z.tuple([z.string().max(64), comparison])).max(8),
});

export function formatState({ compared, open, comparisons }: AnalysisState): string {
  const pairs = { compared: writable(compared), open: writable(open) };
  return JSON.stringify({ version: VERSION, ...pairs, comparisons: [...comparisons] });
}

/**
 * undefined for what cannot be read, such as what another version of the operator or a person wrote: the samples in it are lost
 * then, and none counts twice.
 */
export function parseState(text: string): AnalysisState | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const read = stateText.safeParse(parseJson(text));
  if (!read.success) return undefined;
  const { compared, open, comparisons } = read.data;
  return { compared, open, comparisons: new Map(comparisons) };
}

function writable({ candidate, stable }: Pair): object {
  return {
    candidate: { ...candidate, latencies: formatLatencyCounts(candidate.latencies) },
    stable: { ...stable, latencies: formatLatencyCounts(stable.latencies) },
  };
}
