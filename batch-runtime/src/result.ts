import { writeFileSync } from 'node:fs';
import { MAX_RESULT_BYTES } from '@slipway/crds/batch';

const MAX_MESSAGE_CHARACTERS = 1000;

function byteLength(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Cuts at a whole character and says so by an ellipsis. */
export function cut(text: string, maxCharacters: number): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters - 1).trimEnd()}…`;
}

function fitWarnings(result: Record<string, unknown>, warnings: readonly string[]): Record<string, unknown> {
  for (let kept = warnings.length; kept >= 0; kept -= 1) {
    const left = warnings.length - kept;
    const shown = warnings.slice(0, kept).map((warning) => cut(warning, 400));
    const more = left === 0 ? [] : [`${left} more, in the log of the pod.`];
    const fitted = { ...result, warnings: [...shown, ...more] };
    if (byteLength(fitted) <= MAX_RESULT_BYTES) return fitted;
  }
  return { ...result, warnings: [] };
}

function fitMetrics(result: Record<string, unknown>, metrics: object): Record<string, unknown> {
  const entries = Object.entries(metrics);
  while (entries.length > 0 && byteLength({ ...result, metrics: Object.fromEntries(entries) }) > MAX_RESULT_BYTES) {
    entries.pop();
  }
  return { ...result, metrics: Object.fromEntries(entries) };
}

/**
 * Makes a result fit `MAX_RESULT_BYTES`: messages are cut, warnings and metrics that do not fit are left out from the end.
 * What identifies something (paths, digests, signatures) is never cut.
 */
export function fitResult(result: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const message = result['message'];
  if (typeof message === 'string') {
    let characters = MAX_MESSAGE_CHARACTERS;
    let fitted = { ...result, message: cut(message, characters) };
    while (byteLength(fitted) > MAX_RESULT_BYTES) {
      characters = Math.floor(characters / 2);
      fitted = { ...result, message: cut(message, characters) };
    }
    return fitted;
  }
  if (byteLength(result) <= MAX_RESULT_BYTES) return { ...result };
  if (Array.isArray(result['warnings'])) return fitWarnings({ ...result }, result['warnings'] as string[]);
  const metrics = result['metrics'];
  if (typeof metrics === 'object' && metrics !== null) return fitMetrics({ ...result }, metrics);
  return { ...result };
}

/** Writes a fitted result in one write, as the kubelet reads it: a termination message has no partial state. */
export function writeResult(file: string, result: Readonly<Record<string, unknown>>): void {
  writeFileSync(file, JSON.stringify(result));
}
