/**
 * What a gateway tells the operator, at `GET /stream` of its admin port: one JSON object a line, for as long as both live.
 *
 * First `hello`, then a `route` for every route that it applies, and from then on each change as it happens. A `load` comes
 * once a second even where there is nothing to say, so that whoever reads knows a silent replica from a quiet one.
 */
import { z } from 'zod';
import { latencyCountsText } from './latency-counts.ts';

const count = z.number().int().min(0);

/** Which process it is: a replica that was started again counts from zero. */
const hello = z.object({ hello: z.object({ incarnation: z.string().min(1).max(64), version: z.string().max(64) }) });

/** A TrafficRoute (by its uid) is applied with this sequence: new requests follow it from now on. */
const route = z.object({
  route: z.object({
    uid: z.string().min(1).max(64),
    sequence: z.number().int().min(1),
    /** Hosts of it that an older route has. */
    lostHosts: z.array(z.string().max(253)).max(16),
  }),
});

/** The route is no longer applied. */
const gone = z.object({ gone: z.object({ uid: z.string().min(1).max(64) }) });

const revisionLoad = z.object({
  revision: z.string().min(1).max(63),
  /** Requests at pods, on average over the time that the line tells of. */
  concurrency: z.number().min(0),
  /** Requests that ended in that time, failed ones among them. */
  requests: count,
  /** Those of them that failed by the fault of the servers: 5xx, UNAVAILABLE, INTERNAL, UNKNOWN, DEADLINE_EXCEEDED. */
  errors: count,
  /** Seconds that those requests took, added up. */
  seconds: z.number().min(0),
  /** How long each of them took until the head of its answer, or until it failed. A gateway that does not tell is an older one. */
  latencies: latencyCountsText.optional(),
});

/**
 * The requests of about a second, for each route that had any. `held` are those that wait now because no pod is ready; a
 * `load` is told at once when the first of a route begins to wait.
 */
const load = z.object({
  load: z.object({
    /** How much time it tells of. */
    milliseconds: count,
    routes: z
      .array(
        z.object({
          uid: z.string().min(1).max(64),
          held: count,
          revisions: z.array(revisionLoad).max(8),
        }),
      )
      .max(100_000),
  }),
});

export const GatewayLine = z.union([hello, route, gone, load]);
export type GatewayLine = z.infer<typeof GatewayLine>;
export type RevisionLoad = z.infer<typeof revisionLoad>;
export type GatewayLoad = z.infer<typeof load>['load'];

/** A replica that said nothing for so long is not believed any more. */
export const GATEWAY_SILENCE_MS = 5000;
