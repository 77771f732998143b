import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BatchError } from '../failure.ts';

const MAX_METRICS = 32;
const MAX_NAME = 128;

/** `metrics.json` of a run: numbers by name. No file: no metrics. @throws {BatchError} MetricsInvalid */
export async function readMetrics(runDir: string): Promise<Record<string, number>> {
  const text = await readFile(join(runDir, 'metrics.json'), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '{}';
    if (cause.code === 'EISDIR') throw invalid('it is a folder');
    throw cause;
  });
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('it must be one JSON object, {"name": number, …}');
  const entries = Object.entries(value);
  if (entries.length > MAX_METRICS)
    throw invalid(`it holds ${entries.length} metrics; at most ${MAX_METRICS} are recorded`);
  const wrong = entries.find(([name, metric]) => typeof metric !== 'number' || name === '' || name.length > MAX_NAME);
  if (wrong !== undefined) throw invalid(`"${wrong[0].slice(0, MAX_NAME)}" is not a finite number`);
  return Object.fromEntries(entries) as Record<string, number>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('it is not valid JSON (NaN and Infinity are not)');
  }
}

function invalid(why: string): BatchError {
  return new BatchError('MetricsInvalid', `metrics.json of the training cannot be used: ${why}`);
}
