/** Who may read the stream. Whose tokens are says the test; `test/apiserver/gateway.test.ts` asks a real API server. */
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallers } from './access/callers.ts';
import { createOperatorAdmission } from './access/operator-admission.ts';
import type { Review } from './access/remembered.ts';
import { createAdminServer } from './admin-server.ts';
import { createStream } from './control/stream.ts';
import { createLoads } from './proxy/loads.ts';
import { createRouteTable } from './routing/route-table.ts';
import { aToken } from './testing/tokens.ts';

const OPERATOR = { namespace: 'slipway-system', name: 'slipway' };
const aud = 'slipway-gateways';
const OPERATORS = aToken({ aud, sub: 'operator' });
const STRANGERS = aToken({ aud, sub: 'stranger' });
const FORGED = aToken({ aud, sub: 'forged' });
const FOR_SERVICES = aToken({ sub: 'operator, as a caller of services' });
const REVIEWS: Readonly<Record<string, Review>> = {
  [OPERATORS]: { serviceAccount: OPERATOR },
  [STRANGERS]: { serviceAccount: { namespace: 'slipway-system', name: 'default' } },
  [FORGED]: { serviceAccount: undefined },
  [FOR_SERVICES]: { serviceAccount: OPERATOR },
};

const table = createRouteTable('cluster.local');
const loads = createLoads(() => performance.now());
const stream = createStream({ table, loads, version: '0.1.0' });
const callers = createCallers({
  review: async (token) => {
    const review = REVIEWS[token];
    if (review === undefined) throw new Error('connection refused');
    return review;
  },
  wallClock: () => Date.now(),
  now: () => performance.now(),
});
const admitOperator = createOperatorAdmission(callers, OPERATOR);
const server = createAdminServer({ table, registry: new Registry(), stream, obstacle: () => undefined, admitOperator });

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** The status, and the first line of the body. */
function ask(path: string, token?: string): Promise<readonly [number | undefined, string]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      createInterface(response).once('line', (line) => {
        resolve([response.statusCode, line]);
        response.destroy();
      });
    }).on('error', reject);
  });
}

describe('the stream', () => {
  it('is told to the operator', async () => {
    expect((await ask('/stream', OPERATORS))[0]).toBe(200);
  });

  it.each([
    ['nobody', undefined, 401, /for the audience slipway-gateways/],
    ['a forged token', FORGED, 401, /does not take the token/],
    ['a token for services', FOR_SERVICES, 401, /not for the audience slipway-gateways/],
    [
      'another service account',
      STRANGERS,
      403,
      /default of the namespace slipway-system is not the operator.*slipway-system\/slipway/,
    ],
    ['whom the API server does not tell of', aToken({ aud, sub: 'unknown' }), 503, /cannot be found out now/],
  ])('is not told to %s', async (_, token, status, words) => {
    expect(await ask('/stream', token)).toEqual([status, expect.stringMatching(words)]);
  });
});

it.each(['/healthz', '/readyz', '/metrics', '/routes'])('%s is told to everybody', async (path) => {
  expect((await ask(path))[0]).toBe(200);
});
