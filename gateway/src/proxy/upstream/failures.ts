/** What it means that an upstream could not be asked. */
import type { Outcome } from '../../routing/endpoint-pool.ts';
import type { Failure } from '../../routing/retry.ts';
import type { UpstreamFailure } from './upstream.ts';

/** For the request. */
export const FAILURES: Readonly<Record<UpstreamFailure, Failure>> = {
  unconnected: 'unreached',
  refused: 'unreached',
  full: 'unreached',
  broken: 'broken',
};

/** For the pod: nothing where it was we who had no room. */
export const OUTCOMES: Readonly<Record<UpstreamFailure, Outcome | undefined>> = {
  unconnected: 'unreached',
  refused: 'failed',
  full: undefined,
  broken: 'failed',
};
