import { expect, it } from 'vitest';
import { readRequest } from '../proxy/request.ts';
import { isRefusal } from '../proxy/refusal.ts';
import { aBackend, aRoute } from '../testing/routes.ts';
import { aToken } from '../testing/tokens.ts';
import { admit } from './admission.ts';
import type { Review } from './remembered.ts';

const access = { serviceAccounts: new Set(['web/checkout']), namespaces: new Set<string>() };
const route = aRoute([aBackend('flights-1', 100)], { access });

function aCall() {
  const fields = [
    { name: 'content-type', value: 'application/grpc' },
    { name: 'grpc-timeout', value: '2S' },
    { name: 'authorization', value: `Bearer ${aToken()}` },
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
  const admitted = admit({ callers: { of: () => review.promise }, now: () => time }, { route, request: aCall() });
  time = waited;
  review.resolve({ serviceAccount: { namespace: 'web', name: 'checkout' } });

  const { request } = (await admitted) as { request: ReturnType<typeof aCall> };
  expect(request.timeoutMs).toBe(left);
  expect(request.head.fields.map(({ name }) => name)).toEqual(['content-type', 'grpc-timeout', 'te']);
});

it('a request to a route without access is as it was', () => {
  const routed = { route: aRoute([aBackend('flights-1', 100)]), request: aCall() };
  expect(admit({ callers: { of: () => undefined }, now: () => 0 }, routed)).toBe(routed);
});
