/** Answers by the exact bytes of what was asked; the one that was used longest ago goes first. */
import { createHash } from 'node:crypto';
import { encodeRawTensor } from '../protocol/raw-tensor.ts';
import type { Tensor } from '../protocol/datatypes.ts';

export interface ResponseCache {
  get(key: string): readonly Tensor[] | undefined;
  set(key: string, outputs: readonly Tensor[]): void;
}

export function createResponseCache(maxBytes: number): ResponseCache {
  const entries = new Map<string, { readonly outputs: readonly Tensor[]; readonly bytes: number }>();
  let held = 0;
  const drop = (key: string) => {
    held -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      // A map keeps the order of insertion: the first is the one that was used longest ago.
      entries.delete(key);
      entries.set(key, entry);
      return entry.outputs;
    },
    set: (key, outputs) => {
      const bytes = key.length + outputs.reduce((sum, { data }) => sum + encodeRawTensor(data).byteLength, 0);
      if (bytes > maxBytes) return;
      drop(key);
      // A part of a batch is a view: kept as it is, it would hold the memory of all the others.
      entries.set(key, { outputs: outputs.map((output) => ({ ...output, data: output.data.slice() })), bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= maxBytes) break;
        drop(oldest);
      }
    },
  };
}

/** Equal for requests that are equal to the last bit. */
export function cacheKey(inputs: readonly Tensor[], outputs: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([outputs, inputs.map(({ name, shape }) => [name, shape])]));
  for (const { data } of inputs) hash.update(encodeRawTensor(data));
  return hash.digest('base64');
}
