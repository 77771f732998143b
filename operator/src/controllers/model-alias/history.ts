/** Who moved an alias to which version and when. */
import { MAX_MOVES } from '@slipway/crds';
import type { AliasMove } from '@slipway/crds';
import type { DeepReadonly, EventNote } from '@slipway/kube';
import type { ObservedModelAlias } from './observe.ts';

/** The newest first. A move that the operator did not see before the next one came is not among them. */
export function historyOf({ alias, signature }: ObservedModelAlias, now: Date): DeepReadonly<AliasMove>[] {
  const { spec, metadata, status } = alias;
  const before = status?.history ?? [];
  const [last] = before;
  if (last !== undefined && last.modelVersion === spec.modelVersion.name && last.by === spec.by) return [...before];
  // One that was never changed means the same since it was created, whenever the operator came to see it.
  const isAsCreated = metadata.generation === 1 && metadata.creationTimestamp !== undefined;
  const at = isAsCreated ? metadata.creationTimestamp : now.toISOString().replace(/\.\d+Z$/, 'Z');
  const signed = spec.by === undefined ? {} : { by: spec.by };
  return [{ at, modelVersion: spec.modelVersion.name, ...signed, signature }, ...before].slice(0, MAX_MOVES);
}

/** Told as long as the status does not have the move. The first version of an alias is no move: `Ready` tells of it. */
export function moveNote({ alias, signature }: ObservedModelAlias): EventNote | undefined {
  const { spec, status } = alias;
  const from = status?.history?.[0]?.modelVersion;
  const to = spec.modelVersion.name;
  if (from === undefined || from === to) return undefined;
  const who = spec.by === undefined ? '; nobody signed it' : ` by ${spec.by} (${signature})`;
  const message = `Alias "${spec.alias}" of Model "${spec.model.name}" was moved from ${from} to ${to}${who}.`;
  return { type: 'Normal', reason: 'AliasMoved', message, action: 'MovingAlias' };
}
