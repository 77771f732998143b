/** `GET /stream`: what this gateway applies and has to do, told to whoever listens; see `crds/src/gateway-stream.ts`. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { GatewayLine } from '@slipway/crds/gateway-stream';
import type { Loads } from '../proxy/loads.ts';
import type { Route } from '../routing/route.ts';
import type { RouteTable } from '../routing/route-table.ts';

export interface StreamOptions {
  readonly table: Pick<RouteTable, 'get' | 'list' | 'lostHosts' | 'subscribe'>;
  readonly loads: Loads;
  readonly version: string;
  /** Default {@link STREAM_LIMITS}. */
  readonly limits?: StreamLimits;
}

export interface StreamLimits {
  /** One that has not taken so much is cut off: it comes back, and is told everything anew. */
  readonly maxUnreadBytes: number;
  readonly maxReaders: number;
}

export interface Stream {
  /** Tells this reader, too, from now on. */
  open(response: ServerResponse): void;
  /** Tells all what is left to tell, and ends. Resolves when they have gone, or after a second. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
const STREAM_LIMITS: StreamLimits = { maxUnreadBytes: 16 * MIB, maxReaders: 8 };
const LOAD_EVERY_MS = 1000;
/** Between two that are told because the first request of a route began to wait. */
const EARLY_LOAD_EVERY_MS = 20;
const LAST_WORDS_MS = 1000;

/** All readers are told the same lines at the same time, so that each costs no more than what is sent to it. */
export function createStream({ table, loads, version, limits = STREAM_LIMITS }: StreamOptions): Stream {
  const hello: GatewayLine = { hello: { incarnation: randomUUID(), version } };
  const readers = new Set<ServerResponse>();
  /** What was said last of each route: an endpoint that comes or goes sets its route again, and changes nothing of it. */
  const told = new Map<string, string>();
  let stopTelling = () => {};

  const sayTo = (reader: ServerResponse, text: string) => {
    if (reader.writableLength > limits.maxUnreadBytes) reader.destroy();
    else reader.write(text);
  };
  const say = (text: string) => {
    for (const reader of readers) sayTo(reader, text);
  };
  const sayRoute = (route: Route) => {
    const { uid, sequence } = route;
    const text = lineOf({ route: { uid, sequence, lostHosts: [...table.lostHosts(route)] } });
    if (told.get(uid) === text) return;
    told.set(uid, text);
    say(text);
  };
  const sayGone = ({ uid }: Route) => {
    told.delete(uid);
    say(lineOf({ gone: { uid } }));
  };
  let saidLoadAt = -Infinity;
  const sayLoad = () => {
    saidLoadAt = performance.now();
    say(lineOf({ load: loads.take(({ namespace, name }) => table.get(namespace, name)?.uid) }));
  };

  function startTelling(): () => void {
    const unsubscribe = table.subscribe({ set: sayRoute, gone: sayGone });
    for (const route of table.list()) sayRoute(route);
    let early: NodeJS.Timeout | undefined;
    const sayEarly = () => {
      early = undefined;
      sayLoad();
    };
    // At once, but for many routes that are asked at the same time.
    loads.start(() => {
      early ??= setTimeout(sayEarly, Math.max(0, saidLoadAt + EARLY_LOAD_EVERY_MS - performance.now()));
    });
    const timer = setInterval(sayLoad, LOAD_EVERY_MS);
    return () => {
      unsubscribe();
      clearInterval(timer);
      clearTimeout(early);
      loads.stop();
      told.clear();
    };
  }

  return {
    open: (response) => {
      if (readers.size >= limits.maxReaders) {
        const error = `there are ${limits.maxReaders} readers already, and no more at a time`;
        response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
        return;
      }
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      if (readers.size === 0) stopTelling = startTelling();
      response.write(lineOf(hello) + [...told.values()].join(''));
      readers.add(response);
      sayLoad();
      response.once('close', () => {
        if (readers.delete(response) && readers.size === 0) stopTelling();
      });
    },
    close: async () => {
      if (readers.size === 0) return;
      sayLoad();
      const last = AbortSignal.timeout(LAST_WORDS_MS);
      await Promise.allSettled([...readers].map((reader) => finished(reader.end(), { signal: last })));
    },
  };
}

function lineOf(line: GatewayLine): string {
  return `${JSON.stringify(line)}\n`;
}
