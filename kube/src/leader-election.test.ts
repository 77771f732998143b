import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { createKubeClient } from './client.ts';
import { LeaseLostError, microTime, runWithLease } from './leader-election.ts';
import { createFakeClock, type FakeClock } from './testing/fake-clock.ts';
import { createMemoryLog, eventually } from './testing/fixtures.ts';
import { type Script, sendJson, sendStatus, startScriptedServer } from './testing/scripted-server.ts';

// Who gets the lease is decided by a real API server: test/apiserver/kube. Here are only the failures of the wire.

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Runs an election on a clock of its own, 100 ms a step, so that a slow machine does not look like a lost lease. */
async function lead(script: Script, work: (lost: AbortSignal) => Promise<void>) {
  const server = await startScriptedServer(script);
  const clock = createFakeClock();
  const registry = new Registry();
  const log = createMemoryLog();
  const client = createKubeClient({ kubeConfig: server.kubeConfig, userAgent: 't', registry, clock, log });
  cleanups.push(async () => {
    await client.close();
    await server.close();
  });
  const deps = { client, clock, random: () => 0, log, registry };
  const stop = new AbortController();
  const options = { namespace: 'ns', name: 'leader', identity: 'me' };
  const outcome = runWithLease(deps, options, stop.signal, work).then(
    () => 'ended',
    (cause: unknown) => cause,
  );
  let result: unknown;
  void outcome.then((value) => (result = value));
  /** Lets time pass until the election has ended; what it ended with. */
  const end = async () => {
    await eventually(async () => {
      await clock.advance(100);
      return result !== undefined;
    }, 20_000);
    return result;
  };
  return { server, registry, stop, clock, end };
}

const lease = (version: string, holder = 'me') => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'leader', namespace: 'ns', uid: 'u', resourceVersion: version },
  spec: { holderIdentity: holder, leaseDurationSeconds: 15 },
});
const untilLost = (lost: AbortSignal) =>
  new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve()));
const secondsSince = (clock: FakeClock, start: Date) => (clock.now().getTime() - start.getTime()) / 1000;

describe('a leader', () => {
  it.each<[string, Script]>([
    ['hangs', () => {}],
    ['refuses', (_request, response) => sendStatus(response, 503, 'ServiceUnavailable')],
    ['resets', (_request, response) => void response.socket?.resetAndDestroy()],
  ])('stops its work before the lease runs out when the server %s', async (_name, fault) => {
    let took = false;
    let ledFor = 0;
    const { end, registry, clock } = await lead(
      (request, response) => {
        if (took) return fault(request, response);
        if (request.method === 'GET') return sendStatus(response, 404, 'NotFound');
        took = true;
        return sendJson(response, 201, lease('1'));
      },
      async (lost) => {
        const start = clock.now();
        await untilLost(lost);
        ledFor = secondsSince(clock, start);
      },
    );

    expect(await end()).toBeInstanceOf(LeaseLostError);

    expect(ledFor).toBeGreaterThan(7);
    expect(ledFor).toBeLessThanOrEqual(13); // at most 10 s after the renewal, and one try that was under way
    expect(await registry.metrics()).toContain('leader_election_master_status{name="leader"} 0');
  });

  it('does not wait for work that ignores the loss longer than until the lease runs out', async () => {
    let took = false;
    let start = new Date(0);
    const { end, clock } = await lead(
      ({ method }, response) => {
        if (took) return undefined;
        if (method === 'GET') return sendStatus(response, 404, 'NotFound');
        took = true;
        return sendJson(response, 201, lease('1'));
      },
      () => {
        start = clock.now();
        return new Promise(() => {});
      },
    );

    expect(await end()).toBeInstanceOf(LeaseLostError);

    expect(secondsSince(clock, start)).toBeGreaterThan(12);
    expect(secondsSince(clock, start)).toBeLessThanOrEqual(15.2);
  });

  it.each<[string, Script]>([
    ['has another holder', (_request, response) => sendJson(response, 200, lease('9', 'other'))],
    ['is free', (_request, response) => sendJson(response, 200, lease('9', ''))],
    ['is gone', (_request, response) => sendStatus(response, 404, 'NotFound')],
  ])('stops at once when the lease %s', async (_name, look) => {
    let writes = 0;
    const { end } = await lead((request, response) => {
      if (request.method === 'GET')
        return writes === 0 ? sendJson(response, 200, lease('1', '')) : look(request, response);
      writes += 1;
      return writes === 1 ? sendJson(response, 200, lease('2')) : sendStatus(response, 409, 'Conflict');
    }, untilLost);

    expect(await end()).toMatchObject({ name: 'LeaseLostError', message: 'the lease is no longer ours' });

    expect(writes).toBe(2);
  });

  it('goes on when only the answer to a renewal was lost', async () => {
    let version = 1;
    let renewals = 0;
    const { end, stop } = await lead(
      ({ method, body }, response) => {
        if (method === 'GET') return sendJson(response, 200, lease(String(version), version === 1 ? '' : 'me'));
        const { metadata } = JSON.parse(body) as { metadata: { resourceVersion: string } };
        if (metadata.resourceVersion !== String(version)) return sendStatus(response, 409, 'Conflict');
        version += 1;
        renewals += 1;
        return renewals === 2
          ? void response.socket?.resetAndDestroy()
          : sendJson(response, 200, lease(String(version)));
      },
      async (lost) => {
        await eventually(() => renewals >= 5 || lost.aborted, 20_000);
        stop.abort();
      },
    );

    expect(await end()).toBe('ended');

    expect(renewals).toBeGreaterThanOrEqual(5);
  });

  it('gives the lease back also when its work fails', async () => {
    const bodies: string[] = [];
    const { end } = await lead(
      ({ method, body }, response) => {
        if (method === 'GET') return sendJson(response, 200, lease('1', ''));
        bodies.push(body);
        return sendJson(response, 200, lease('2'));
      },
      () => Promise.reject(new Error('work failed')),
    );

    expect(await end()).toMatchObject({ message: 'work failed' });

    expect(JSON.parse(bodies.at(-1) ?? '')).toMatchObject({
      metadata: { uid: 'u', resourceVersion: '2' },
      spec: { holderIdentity: null },
    });
  });
});

describe('who only waits', () => {
  it('does not work while another renews, and stops without having worked', async () => {
    let worked = false;
    let version = 0;
    const { end, stop, server, clock } = await lead(
      (_request, response) => sendJson(response, 200, lease(String((version += 1)), 'other')),
      () => Promise.resolve(void (worked = true)),
    );
    await eventually(async () => {
      await clock.advance(100);
      return server.received.length > 12; // 24 s, longer than the lease
    }, 20_000);

    stop.abort();

    expect(await end()).toBe('ended');
    expect(worked).toBe(false);
  });

  it('takes over only when the lease has not changed for its whole time, whatever its clock says', async () => {
    let tookAfter = 0;
    const { end, clock } = await lead(
      ({ method }, response) => {
        const dead = {
          ...lease('1', 'dead'),
          spec: { ...lease('1', 'dead').spec, renewTime: '2000-01-01T00:00:00.000000Z' },
        };
        return sendJson(response, 200, method === 'GET' ? dead : lease('2'));
      },
      () => {
        tookAfter = secondsSince(clock, new Date('2026-01-01T00:00:00.000Z'));
        return Promise.resolve();
      },
    );

    expect(await end()).toBe('ended');
    expect(tookAfter).toBeGreaterThanOrEqual(15);
  });
});

it('microseconds are written as the API takes them', () => {
  expect(microTime(new Date('2026-01-02T03:04:05.678Z'))).toBe('2026-01-02T03:04:05.678000Z');
});
