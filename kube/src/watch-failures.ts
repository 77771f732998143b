import { KubeApiError, TransientError } from './errors.ts';
import { apiVersionOf, type KubeKind } from './types.ts';

/** After these the watch goes on from the last version; after anything else only a new list is sure to miss nothing. */
export const RESUMABLE: ReadonlySet<string> = new Set([
  'ConnectionFailed',
  'RequestTimeout',
  'WatchCut',
  'WatchIdle',
  'WatchTooShort',
  'TooManyRequests',
  'ServiceUnavailable',
]);

/** A word for metrics and logs. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof TransientError) return cause.reason;
  if (!(cause instanceof KubeApiError)) return 'InternalError';
  if (cause.isGone) return 'Expired';
  if (cause.status.code === 429) return 'TooManyRequests';
  if (cause.status.code === 503) return 'ServiceUnavailable';
  return cause.status.reason || `Http${cause.status.code}`;
}

/**
 * Whether the server streams no lists. 400 or 422: the feature is off, or unknown. A server that takes no notice of the
 * question never ends its list.
 */
export function isRefusedStream(cause: unknown): boolean {
  if (cause instanceof KubeApiError) return [400, 422].includes(cause.status.code);
  return cause instanceof TransientError && cause.reason === 'WatchIdle';
}

export function isMissingKind(cause: unknown): boolean {
  return cause instanceof KubeApiError && cause.isNotFound;
}

/** For people: the API server's own words for a kind that it does not know are `404 page not found`. */
export function messageOf(cause: unknown, kind: KubeKind): string {
  if (isMissingKind(cause))
    return `the API server has no ${kind.plural} of ${apiVersionOf(kind)}: install their CustomResourceDefinition, or this version of it`;
  return cause instanceof Error ? cause.message : String(cause);
}
