import { describe, expect, it } from 'vitest';
import { EndpointPool } from './endpoint-pool.ts';
import type { Endpoint } from './endpoint-pool.ts';

/** Numbers in turn, from 0 to below 1. */
function inTurn(...numbers: readonly number[]): () => number {
  let at = 0;
  return () => numbers[at++ % numbers.length] ?? 0;
}

function poolOf(count: number, settings = {}): EndpointPool {
  const pool = new EndpointPool(settings);
  pool.update(Array.from({ length: count }, (_, index) => `10.0.0.${index}`));
  return pool;
}

const endpoint = (pool: EndpointPool, index: number) => pool.endpoints[index] as Endpoint;

describe('a pool', () => {
  it('has nothing to give when it has no endpoints', () => {
    expect(poolOf(0).pick(0, Math.random)).toBeUndefined();
  });

  it('gives the one of two that has less to do', () => {
    const pool = poolOf(3);
    endpoint(pool, 0).inFlight = 4;
    endpoint(pool, 2).inFlight = 3;

    expect(pool.pick(0, inTurn(0, 0.9))).toBe(endpoint(pool, 2));
    expect(pool.pick(0, inTurn(0.9, 0))).toBe(endpoint(pool, 2));
  });

  it('keeps the counts of endpoints that stay', () => {
    const pool = poolOf(2);
    endpoint(pool, 1).inFlight = 7;

    pool.update(['10.0.0.1', '10.0.0.9', '10.0.0.9']);

    expect(pool.endpoints.map(({ address, inFlight }) => [address, inFlight])).toEqual([
      ['10.0.0.1', 7],
      ['10.0.0.9', 0],
    ]);
  });

  it('does not give the one that a request has just failed at, while there are others', () => {
    const pool = poolOf(2);

    expect(pool.pick(0, inTurn(0), endpoint(pool, 0))).toBe(endpoint(pool, 1));
  });

  it('gives the only one there is, even where a request has just failed', () => {
    const pool = poolOf(1);

    expect(pool.pick(0, inTurn(0), endpoint(pool, 0))).toBe(endpoint(pool, 0));
  });

  it('gives none that has as many requests as it may', () => {
    const pool = poolOf(1, { maxInFlight: 2 });
    endpoint(pool, 0).inFlight = 2;

    expect(pool.pick(0, Math.random)).toBeUndefined();
  });
});

describe('an endpoint that fails', () => {
  it('is left out at once when it cannot be reached, and twice as long each time', () => {
    const pool = poolOf(2, { firstEjectionMs: 1000, longestEjectionMs: 3000 });
    const first = endpoint(pool, 0);

    expect(pool.report(first, 'unreached', 0)).toBe(true);
    expect(pool.pick(999, inTurn(0))).toBe(endpoint(pool, 1));
    expect(pool.pick(1000, inTurn(0))).toBe(first);
    expect(pool.report(first, 'unreached', 1000)).toBe(true);
    expect(first.ejectedUntil).toBe(3000);
    expect(pool.report(first, 'unreached', 3000)).toBe(true);
    expect(first.ejectedUntil).toBe(6000);
  });

  it('is left out after several failures in a row, and an answer between them begins anew', () => {
    const pool = poolOf(2, { failuresToEject: 3 });
    const first = endpoint(pool, 0);
    const tell = (outcome: 'failed' | 'answered') => pool.report(first, outcome, 0);

    expect([tell('failed'), tell('failed'), tell('answered'), tell('failed'), tell('failed')]).not.toContain(true);
    expect(tell('failed')).toBe(true);
  });

  it('is not punished again for what was in flight when it was left out', () => {
    const pool = poolOf(2);
    const first = endpoint(pool, 0);
    pool.report(first, 'unreached', 0);

    expect(pool.report(first, 'unreached', 10)).toBe(false);
    expect(first.ejectedUntil).toBe(1000);
  });

  it('is forgiven by an answer', () => {
    const pool = poolOf(2);
    const first = endpoint(pool, 0);
    pool.report(first, 'unreached', 0);

    pool.report(first, 'answered', 500);

    expect(pool.pick(500, inTurn(0))).toBe(first);
  });

  it('still counts where all have failed: a guess is better than nothing', () => {
    const pool = poolOf(2);
    for (const each of pool.endpoints) pool.report(each, 'unreached', 0);

    expect(pool.pick(1, inTurn(0))).toBe(endpoint(pool, 0));
  });
});

describe('for a request that can wait', () => {
  it('any that has room is found, whichever are drawn', () => {
    const pool = poolOf(3, { maxInFlight: 1 });
    endpoint(pool, 0).inFlight = 1;
    endpoint(pool, 2).inFlight = 1;

    expect(pool.pickSound(0, inTurn(0))).toBe(endpoint(pool, 1));
    endpoint(pool, 1).inFlight = 1;
    expect(pool.pickSound(0, inTurn(0))).toBeUndefined();
  });

  it('one that is left out is none, and then gets one request at a time until it has answered', () => {
    const pool = poolOf(1);
    const only = endpoint(pool, 0);
    pool.report(only, 'unreached', 0);

    expect(pool.pickSound(999, inTurn(0))).toBeUndefined();
    expect(pool.pickSound(1000, inTurn(0))).toBe(only);
    only.inFlight = 1;
    expect(pool.pickSound(1000, inTurn(0))).toBeUndefined();
    pool.report(only, 'answered', 1001);
    expect(pool.pickSound(1001, inTurn(0))).toBe(only);
  });
});
