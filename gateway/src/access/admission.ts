/** Whether a request may go where its route leads. */
import { GATEWAY_TOKEN_HEADER } from '@slipway/crds/known-gateways';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { Peer } from '@slipway/serving-runtime/transport/peer';
import { isRefusal } from '../proxy/refusal.ts';
import type { Refusal } from '../proxy/refusal.ts';
import type { ProxiedRequest } from '../proxy/request.ts';
import type { Access, Route } from '../routing/route.ts';
import { AUDIENCE, bearerTokenOf, isTokenFor } from './bearer-token.ts';
import type { Callers } from './callers.ts';
import type { GatewayTokens } from './gateway-tokens.ts';
import { identified } from './identified.ts';
import type { Review } from './remembered.ts';
import { isAllowedAccount } from './service-account.ts';

/** What is handed on of a connection says the gateway alone, or nobody. */
const NOT_OF_CLIENTS: ReadonlySet<string> = new Set([GATEWAY_TOKEN_HEADER, 'x-forwarded-client-cert']);

export interface Routed {
  readonly request: ProxiedRequest;
  readonly route: Route;
}

export interface AdmissionDeps {
  readonly callers: Callers;
  readonly gatewayTokens: Pick<GatewayTokens, 'of'>;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
}

type Admitted = Routed | Refusal;

/** Of a certificate, in a refusal. */
const MAX_NAMES = 5;

/**
 * The request as it may go on: without a token for us, which would let a model server speak in the caller's name, and with ours
 * where pods ask for it.
 */
export function admit(deps: AdmissionDeps, routed: Routed, peer: Peer): Admitted | Promise<Admitted> {
  const admitted = byAccess(deps, routed, peer);
  return admitted instanceof Promise ? admitted.then((then) => fromGateway(deps, then)) : fromGateway(deps, admitted);
}

function byAccess(deps: AdmissionDeps, routed: Routed, peer: Peer): Admitted | Promise<Admitted> {
  const { request, route } = routed;
  const { access } = route;
  if (access === undefined) return withoutFields(routed, isTokenForUs);
  if (peer.names.some((name) => access.certificateNames.has(name))) return withoutFields(routed, isAuthorization);
  const wrong = certificateRefusal(routed, access, peer);
  if (wrong !== undefined) return wrong;
  const token = bearerTokenOf(request.head.fields, AUDIENCE);
  if (isRefusal(token)) return token;
  const review = deps.callers.of(token);
  if (!(review instanceof Promise)) return judged(routed, access, review);
  const askedAt = deps.now();
  return review.then((found) => judged(later(routed, deps.now() - askedAt), access, found));
}

/** Of who has no certificate that is let in; undefined where a token may do. */
function certificateRefusal({ request, route }: Routed, access: Access, peer: Peer): Refusal | undefined {
  const mayHaveToken = access.serviceAccounts.size > 0 || access.namespaces.size > 0;
  if (mayHaveToken && request.head.fields.some(isAuthorization)) return undefined;
  const { certificateProblem, names } = peer;
  if (certificateProblem !== undefined)
    return {
      code: 'InvalidToken',
      message: `the certificate of the client does not count here: ${certificateProblem}`,
    };
  if (names.length > 0) {
    const who = `who has a certificate for ${names.slice(0, MAX_NAMES).join(', ')}`;
    return {
      code: 'NotAllowed',
      message: `${who} may not call ${route.name} of ${route.namespace}: its access names none of these`,
    };
  }
  if (mayHaveToken) return undefined;
  return {
    code: 'NoToken',
    message: 'this service asks who you are: come by the TLS port of the gateways, with a certificate',
  };
}

function fromGateway(deps: AdmissionDeps, admitted: Admitted): Admitted | Promise<Admitted> {
  if (isRefusal(admitted)) return admitted;
  const bare = withoutFields(admitted, ({ name }) => NOT_OF_CLIENTS.has(name));
  if (!admitted.route.needsGatewayToken) return bare;
  const token = deps.gatewayTokens.of(admitted.route);
  if (!(token instanceof Promise)) return withGatewayToken(bare, token);
  const askedAt = deps.now();
  return token.then((found) => withGatewayToken(later(bare, deps.now() - askedAt), found));
}

function withGatewayToken({ request, route }: Routed, token: string | undefined): Admitted {
  if (token === undefined) {
    const message = 'the gateway has no token for the pods of this service, and is given none now; try again later';
    return { code: 'Unavailable', message };
  }
  const fields = [...request.head.fields, { name: GATEWAY_TOKEN_HEADER, value: token }];
  return { route, request: { ...request, head: { ...request.head, fields } } };
}

function judged(routed: Routed, access: Access, review: Review | undefined): Admitted {
  const serviceAccount = identified(review);
  if (isRefusal(serviceAccount)) return serviceAccount;
  if (isAllowedAccount(access, serviceAccount)) return withoutFields(routed, isAuthorization);
  const who = `the service account ${serviceAccount.name} of the namespace ${serviceAccount.namespace}`;
  const { namespace, name } = routed.route;
  return {
    code: 'NotAllowed',
    message: `${who} may not call ${name} of ${namespace}: its access does not name it`,
  };
}

function isAuthorization({ name }: HeaderField): boolean {
  return name === 'authorization';
}

function isTokenForUs(field: HeaderField): boolean {
  return isAuthorization(field) && isTokenFor(field.value, AUDIENCE);
}

function withoutFields(routed: Routed, isLeftOut: (field: HeaderField) => boolean): Routed {
  const { request, route } = routed;
  if (!request.head.fields.some(isLeftOut)) return routed;
  const fields = request.head.fields.filter((field) => !isLeftOut(field));
  return { route, request: { ...request, head: { ...request.head, fields } } };
}

/** The client's time has gone on meanwhile. */
function later({ request, route }: Routed, milliseconds: number): Routed {
  const { timeoutMs } = request;
  if (timeoutMs === undefined) return { request, route };
  return { route, request: { ...request, timeoutMs: Math.max(0, timeoutMs - milliseconds) } };
}
