import { expect, it } from 'vitest';
import { readRequest } from '../proxy/request.ts';
import { isRefusal } from '../proxy/refusal.ts';
import { aBackend, aRoute } from '../testing/routes.ts';
import { aToken } from '../testing/tokens.ts';
import { admit } from './admission.ts';
import type { Routed } from './admission.ts';
import { NO_GATEWAY_TOKENS } from './gateway-tokens.ts';
import type { Review } from './remembered.ts';

const HERE = { address: '10.0.0.9', names: [] };
const access = {
  serviceAccounts: new Set(['web/checkout']),
  namespaces: new Set<string>(),
  certificateNames: new Set<string>(),
};
const route = aRoute([aBackend('flights-1', 100)], { access });

function aCall(authorization = `Bearer ${aToken()}`) {
  const fields = [
    { name: 'content-type', value: 'application/grpc' },
    { name: 'grpc-timeout', value: '2S' },
    { name: 'authorization', value: authorization },
    { name: 'te', value: 'trailers' },
  ];
  const path = '/inference.GRPCInferenceService/ModelInfer';
  const request = readRequest({ method: 'POST', path, authority: 'flights.team-a.svc', fields }, 'http2');
  if (isRefusal(request)) throw new Error(request.message);
  return request;
}

it.each([
  [500, 1500],
  [3000, 0],
])('a wait of %d ms leaves %d ms of the 2 s that the client gave, and no token', async (waited, left) => {
  let time = 0;
  const review = Promise.withResolvers<Review>();
  const admitted = admit(
    { callers: { of: () => review.promise }, gatewayTokens: NO_GATEWAY_TOKENS, now: () => time },
    { route, request: aCall() },
    HERE,
  );
  time = waited;
  review.resolve({ serviceAccount: { namespace: 'web', name: 'checkout' } });

  const { request } = (await admitted) as { request: ReturnType<typeof aCall> };
  expect(request.timeoutMs).toBe(left);
  expect(request.head.fields.map(({ name }) => name)).toEqual(['content-type', 'grpc-timeout', 'te']);
});

const open = aRoute([aBackend('flights-1', 100)]);
const deps = { callers: { of: () => undefined }, gatewayTokens: NO_GATEWAY_TOKENS, now: () => 0 };
const namesOf = (admitted: unknown) => (admitted as Routed).request.head.fields.map(({ name }) => name);

it('a request to a route without access is as it was, but for a token for us', () => {
  const routed = { route: open, request: aCall() };
  expect(namesOf(admit(deps, routed, HERE))).toEqual(['content-type', 'grpc-timeout', 'te']);

  const others = { route: open, request: aCall(`Bearer ${aToken({ aud: 'vault' })}`) };
  expect(admit(deps, others, HERE)).toBe(others);
  const basic = { route: open, request: aCall('Basic x') };
  expect(admit(deps, basic, HERE)).toBe(basic);
});

it('what a client says in the name of a gateway is not handed on', () => {
  const { head, ...request } = aCall('Basic x');
  const fields = [...head.fields, { name: 'x-slipway-gateway-token', value: 'forged' }];
  const forged = { ...request, head: { ...head, fields } };
  expect(admit(deps, { route: open, request: forged }, HERE)).toEqual({ route: open, request: { ...request, head } });

  const asking = { ...open, needsGatewayToken: true };
  const admitted = admit({ ...deps, gatewayTokens: { of: () => 'ours' } }, { route: asking, request: forged }, HERE);
  expect((admitted as Routed).request.head.fields).toEqual([
    ...head.fields,
    { name: 'x-slipway-gateway-token', value: 'ours' },
  ]);
});

it('a request waits for the token of the gateway, and goes nowhere without one', async () => {
  let time = 0;
  const token = Promise.withResolvers<string | undefined>();
  const waiting = { ...deps, gatewayTokens: { of: () => token.promise }, now: () => time };
  const asking = { ...open, needsGatewayToken: true };
  const admitted = admit(waiting, { route: asking, request: aCall('Basic x') }, HERE);
  time = 500;
  token.resolve('ours');

  expect(((await admitted) as Routed).request.timeoutMs).toBe(1500);
  expect(admit(deps, { route: asking, request: aCall('Basic x') }, HERE)).toMatchObject({ code: 'Unavailable' });
});
