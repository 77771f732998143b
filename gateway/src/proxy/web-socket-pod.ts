/** Which pod takes a WebSocket; where none can, it waits for one like any other request. */
import type { Duplex } from 'node:stream';
import { chooseBackend } from '../routing/choose-backend.ts';
import type { Route } from '../routing/route.ts';
import type { CallDeps } from './deps.ts';
import type { Refusal } from './refusal.ts';
import type { ProxiedRequest } from './request.ts';
import { stickyValueOf } from './sticky-value.ts';
import type { Destination } from './waiting-line.ts';

export interface Upgrading {
  readonly request: ProxiedRequest;
  readonly route: Route;
  readonly socket: Duplex;
  readonly startedAt: number;
  /** A pod could not be reached with it. */
  readonly isBack: boolean;
}

/** The pod has it in flight from then on. `gone`: its client has gone. */
export type Found = Destination | Refusal | 'gone';

type Deps = Pick<CallDeps, 'now' | 'random' | 'waitingRoom'>;

const NO_POD: Refusal = {
  code: 'Unavailable',
  message: 'the service has no pod that can take a WebSocket now; try again later',
};
const EARLY: Refusal = { code: 'BadRequest', message: 'a WebSocket was used before it was taken' };
/** What a client may send before it has heard that it may. */
const MAX_EARLY_BYTES = 64 * 1024;
const NO_BODY = Buffer.alloc(0);

export function findPod(deps: Deps, upgrading: Upgrading): Found | Promise<Found> {
  const { now, random, waitingRoom } = deps;
  const { request, route, isBack } = upgrading;
  const seen = { fields: request.head.fields, isGrpc: false, body: NO_BODY };
  const value = route.sticky?.by === 'header' ? stickyValueOf(route.sticky, seen) : undefined;
  const choose = (of: Route) => chooseBackend(of, value, random());
  if (!isBack && !waitingRoom.isWaitedFor(route)) {
    const backend = choose(route);
    const endpoint = backend.pool.pick(now(), random);
    if (endpoint !== undefined) return claimed({ route, backend, endpoint });
  }
  return route.hold === undefined ? NO_POD : waitForPod(deps, upgrading, choose);
}

function claimed(to: Destination): Destination {
  to.endpoint.inFlight += 1;
  return to;
}

function waitForPod(
  { waitingRoom }: Deps,
  { route, socket, startedAt, isBack }: Upgrading,
  choose: (route: Route) => Destination['backend'],
): Promise<Found> {
  return new Promise((resolve) => {
    const early: Buffer[] = [];
    let bytes = 0;
    const settle = (found: Found) => {
      socket.off('data', take).off('close', leave).pause();
      if (early.length > 0) socket.unshift(Buffer.concat(early));
      resolve(found);
    };
    const waiter = { choose, go: (to: Destination) => settle(claimed(to)), refuse: settle };
    const place = waitingRoom.enter(route, { waiter, startedAt, bytes: 0, isBack });
    if ('code' in place) {
      resolve(place);
      return;
    }
    const leave = () => {
      place.leave();
      settle('gone');
    };
    const take = (chunk: Buffer) => {
      early.push(chunk);
      bytes += chunk.length;
      if (bytes <= MAX_EARLY_BYTES) return;
      place.leave();
      settle(EARLY);
    };
    // Nobody sees that a client goes unless its socket is read.
    socket.on('data', take).once('close', leave);
  });
}
