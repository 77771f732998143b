/** Gateways and operators of other versions understand each other while one of them is exchanged. */
import { expect, it } from 'vitest';
import { GatewayLine } from './gateway-stream.ts';

const counted = { revision: 'flights-1', concurrency: 1, requests: 2, errors: 0, seconds: 0.5 };
const lineWith = (revision: object) => ({
  load: { milliseconds: 1000, routes: [{ uid: 'a', held: 0, revisions: [revision] }] },
});

it('a line of an older gateway, which does not tell latencies, is understood', () => {
  expect(GatewayLine.parse(lineWith(counted))).toEqual(lineWith(counted));
});

it('what a newer gateway tells besides is passed over', () => {
  expect(GatewayLine.parse(lineWith({ ...counted, latencies: '17:2', more: 'x' }))).toEqual(
    lineWith({ ...counted, latencies: '17:2' }),
  );
});
