export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** PascalCase. */
  reason: string;
  message: string;
  observedGeneration: number;
  /** RFC 3339, whole seconds. Moves only when `status` flips. */
  lastTransitionTime: string;
}

export type WantedCondition = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

/** The limit of the note of an Event, in bytes; the same limit for both keeps them the same sentence. */
export const MAX_MESSAGE = 1024;

/**
 * The conditions to write: exactly those wanted, in the order of `wanted`, with the transition time of the previous
 * condition of that type where the status has not flipped. A type that is no longer wanted goes away.
 */
export function mergeConditions(
  previous: readonly Readonly<Pick<Condition, 'type' | 'status' | 'lastTransitionTime'>>[] | undefined,
  wanted: readonly Readonly<WantedCondition>[],
  context: { readonly generation: number; readonly now: Date },
): Condition[] {
  const now = context.now.toISOString().replace(/\.\d+Z$/, 'Z');
  return wanted.map(({ type, status, reason, message }) => {
    const before = previous?.find((condition) => condition.type === type);
    return {
      type,
      status,
      reason,
      message: cut(message),
      observedGeneration: context.generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
    };
  });
}

/** The text, or its beginning and an ellipsis, in at most 1,024 bytes of UTF-8. */
export function cut(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  // Text that is no valid UTF-16 would come back from the server different, and be written again forever.
  if (bytes.length <= MAX_MESSAGE) return message.toWellFormed();
  const kept = bytes.subarray(0, MAX_MESSAGE - 3); // the ellipsis takes three bytes
  return `${kept.toString('utf8').replace(/\uFFFD+$/, '')}…`;
}
