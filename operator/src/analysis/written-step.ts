/** What was observed in one step of a rollout, as the text of an annotation of the ModelRollout. */
import { z } from 'zod';
import type { AnalysisState } from './analysis-state.ts';
import { parseJson } from '../parse-json.ts';
import { formatState, parseState } from './state-text.ts';

/** Of a ModelRollout. */
export interface StepOfTry {
  readonly try: number;
  /** Index into the steps of the course. */
  readonly step: number;
}

const writtenStep = z.object({ try: z.number(), step: z.number(), state: z.string() });

export function formatStep({ try: tried, step }: StepOfTry, state: AnalysisState): string {
  return JSON.stringify({ try: tried, step, state: formatState(state) });
}

/** undefined where nothing was written of this step, or what cannot be read. */
export function parseStep(text: string | undefined, { try: tried, step }: StepOfTry): AnalysisState | undefined {
  const read = writtenStep.safeParse(parseJson(text));
  if (!read.success || read.data.try !== tried || read.data.step !== step) return undefined;
  return parseState(read.data.state);
}
