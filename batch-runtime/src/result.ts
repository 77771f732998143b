import { writeFileSync } from 'node:fs';
import { MAX_RESULT_BYTES } from '@slipway/crds/batch';

/** Writes a result as JSON of at most 2 KiB: warnings and metrics at the end of their list, and the end of a message, are what gives way. */
export function writeResult(file: string, result: Readonly<Record<string, unknown>>): void {
  writeFileSync(file, fittingJson(result));
}

export function fittingJson(result: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(result);
  if (Buffer.byteLength(text) <= MAX_RESULT_BYTES) return text;
  const { warnings, message, metrics } = result;
  if (Array.isArray(warnings) && warnings.length > 0) {
    return fittingJson({ ...result, warnings: warnings.slice(0, -1) });
  }
  if (typeof message === 'string' && message.length > 1) {
    return fittingJson({ ...result, message: `${message.slice(0, Math.floor(message.length * 0.9) - 1)}…` });
  }
  if (typeof metrics === 'object' && metrics !== null && Object.keys(metrics).length > 0) {
    return fittingJson({ ...result, metrics: Object.fromEntries(Object.entries(metrics).slice(0, -1)) });
  }
  throw new Error(`a result of ${Buffer.byteLength(text)} bytes cannot be told; at most ${MAX_RESULT_BYTES} fit`);
}
