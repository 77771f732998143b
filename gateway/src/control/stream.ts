/** `GET /stream`: what this gateway applies, told to whoever listens; see `crds/src/gateway-stream.ts`. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { GatewayLine } from '@slipway/crds/gateway-stream';
import type { Route } from '../routing/route.ts';
import type { RouteTable } from '../routing/route-table.ts';

const LOAD_EVERY_MS = 1000;
/** A reader that has not taken so much is cut off: it comes back, and is told everything anew. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

export type Stream = (response: ServerResponse) => void;

export function createStream(table: RouteTable, version: string): Stream {
  const incarnation = randomUUID();
  return (response) => {
    const say = (line: GatewayLine) => {
      if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
      else response.write(`${JSON.stringify(line)}\n`);
    };
    const set = (route: Route) =>
      say({ route: { uid: route.uid, sequence: route.sequence, lostHosts: [...table.lostHosts(route)] } });
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    say({ hello: { incarnation, version } });
    for (const route of table.list()) set(route);
    const unsubscribe = table.subscribe({ set, gone: ({ uid }) => say({ gone: { uid } }) });
    const load = setInterval(() => say({ load: { milliseconds: LOAD_EVERY_MS, routes: [] } }), LOAD_EVERY_MS);
    response.on('close', () => {
      unsubscribe();
      clearInterval(load);
    });
  };
}
