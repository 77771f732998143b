/** Whether a request may go where its route leads. */
import { isRefusal } from '../proxy/refusal.ts';
import type { Refusal } from '../proxy/refusal.ts';
import type { ProxiedRequest } from '../proxy/request.ts';
import type { Access, Route } from '../routing/route.ts';
import { bearerTokenOf } from './bearer-token.ts';
import type { Callers } from './callers.ts';
import type { Review } from './remembered.ts';
import { isAllowed } from './service-account.ts';

export interface Routed {
  readonly request: ProxiedRequest;
  readonly route: Route;
}

export interface AdmissionDeps {
  readonly callers: Callers;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
}

/** The request as it may go on: without its token, which would let a model server speak in the caller's name. */
export function admit(deps: AdmissionDeps, routed: Routed): Routed | Refusal | Promise<Routed | Refusal> {
  const { request, route } = routed;
  const { access } = route;
  if (access === undefined) return routed;
  const token = bearerTokenOf(request.head.fields);
  if (isRefusal(token)) return token;
  const review = deps.callers.of(token);
  if (!(review instanceof Promise)) return judged(routed, access, review);
  const askedAt = deps.now();
  return review.then((found) => judged(later(routed, deps.now() - askedAt), access, found));
}

function judged(routed: Routed, access: Access, review: Review | undefined): Routed | Refusal {
  if (review === undefined)
    return { code: 'Unavailable', message: 'it cannot be found out now who you are; try again later' };
  const { serviceAccount } = review;
  if (serviceAccount === undefined) {
    const message =
      'the API server does not take the token: it may have expired, or its pod or service account is gone';
    return { code: 'InvalidToken', message };
  }
  if (isAllowed(access, serviceAccount)) return withoutToken(routed);
  const who = `the service account ${serviceAccount.name} of the namespace ${serviceAccount.namespace}`;
  const { namespace, name } = routed.route;
  return {
    code: 'NotAllowed',
    message: `${who} may not call ${name} of ${namespace}: its access does not name it`,
  };
}

function withoutToken({ request, route }: Routed): Routed {
  const fields = request.head.fields.filter(({ name }) => name !== 'authorization');
  return { route, request: { ...request, head: { ...request.head, fields } } };
}

/** The client's time has gone on meanwhile. */
function later({ request, route }: Routed, milliseconds: number): Routed {
  const { timeoutMs } = request;
  if (timeoutMs === undefined) return { request, route };
  return { route, request: { ...request, timeoutMs: Math.max(0, timeoutMs - milliseconds) } };
}
