import type { Logger } from './types.ts';

/** How a reconcile that did not throw ends. */
export type Result =
  | { readonly kind: 'settled' }
  | { readonly kind: 'requeueAfter'; readonly ms: number; readonly why: string };

/** Nothing more to do until a watched object changes. */
export function settled(): Result {
  return { kind: 'settled' };
}

/** Look again after `ms` milliseconds; `why` says for what, in logs. An earlier event wakes the key sooner. */
export function requeueAfter(ms: number, why: string): Result {
  return { kind: 'requeueAfter', ms, why };
}

/** What one reconcile gets beside its key. */
export interface Scope {
  /** Carries controller, namespace, name and reconcileId. */
  readonly log: Logger;
  /** Aborts when the drain deadline has passed or leadership is lost. */
  readonly signal: AbortSignal;
  readonly controller: string;
  readonly reconcileId: string;
  /** What woke this key. For logs and traces only: a reconcile that depends on it misses what happened while it was down. */
  readonly reasons: readonly string[];
}
