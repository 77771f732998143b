/** `GET /stream` of a real admin port, with requests through a real data plane. */
import { get } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { GatewayLine } from '@slipway/crds/gateway-stream';
import { longestOfStep, parseLatencyCounts, SLOWEST_STEP } from '@slipway/crds/latency-counts';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAdminServer } from '../admin-server.ts';
import { startOddPod } from '../testing/odd-pod.ts';
import { aBackend, aRoute } from '../testing/routes.ts';
import { ask, eventually, startGateway } from '../testing/running-gateway.ts';
import type { RunningGateway } from '../testing/running-gateway.ts';
import { createStream } from './stream.ts';
import type { Stream, StreamLimits } from './stream.ts';

interface Admin {
  readonly port: number;
  readonly stream: Stream;
  readonly server: Server;
}

interface Reader {
  readonly lines: GatewayLine[];
  readonly status: number | undefined;
  readonly response: IncomingMessage;
}

let gateway: RunningGateway;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await gateway.stop(0);
});

async function startAdmin(limits?: StreamLimits): Promise<Admin> {
  const { table, loads } = gateway;
  const stream = createStream({ table, loads, version: '0.1.0', ...(limits && { limits }) });
  const server = createAdminServer({ table, registry: new Registry(), stream, obstacle: () => undefined });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, stream, server };
}

function read({ port }: Admin): Promise<Reader> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/stream', agent: false }, (response) => {
      const lines: GatewayLine[] = [];
      const take = (line: string) => {
        if (response.statusCode === 200) lines.push(GatewayLine.parse(JSON.parse(line)));
      };
      // Tests break streams off.
      createInterface(response)
        .on('line', take)
        .on('error', () => {});
      response.on('error', () => {});
      resolve({ lines, status: response.statusCode, response });
    }).on('error', reject);
  });
}

const loadsIn = ({ lines }: Reader) => lines.flatMap((line) => ('load' in line ? [line.load] : []));
const changesIn = ({ lines }: Reader) => lines.filter((line) => !('load' in line));

describe('a reader', () => {
  it('hears who it is and all routes, then each change, and nothing where nothing changed', async () => {
    const backend = aBackend('flights-1', 100);
    gateway.table.set(aRoute([backend], { hosts: ['f.example.org'] }));
    const reader = await read(await startAdmin());
    await eventually(() => reader.lines.length).toBeGreaterThan(1);

    gateway.table.set(aRoute([backend], { sequence: 2, hosts: ['f.example.org'] }));
    gateway.table.set(aRoute([aBackend('flights-1', 100)], { sequence: 2, hosts: ['f.example.org'] }));
    const rival = { name: 'rival', uid: 'uid-2', createdAt: 5, hosts: ['f.example.org'] };
    gateway.table.set(aRoute([backend], rival));
    gateway.table.delete('team-a', 'flights');

    await eventually(() => changesIn(reader)).toEqual([
      { hello: { incarnation: expect.any(String) as string, version: '0.1.0' } },
      { route: { uid: 'uid-1', sequence: 1, lostHosts: [] } },
      { route: { uid: 'uid-1', sequence: 2, lostHosts: [] } },
      { route: { uid: 'uid-2', sequence: 1, lostHosts: ['f.example.org'] } },
      { gone: { uid: 'uid-1' } },
      { route: { uid: 'uid-2', sequence: 1, lostHosts: [] } },
    ]);
  });

  it('hears each second how much there is to do, also where that is nothing', async () => {
    const pod = await startOddPod((request, response) => {
      if (request.url !== '/hang') response.writeHead(request.url === '/wrong' ? 500 : 200).end();
    });
    cleanups.push(() => pod.stop());
    gateway.table.set(aRoute([pod.backend('flights-1', 100)]));
    const reader = await read(await startAdmin());
    await eventually(() => loadsIn(reader)).toMatchObject([{ routes: [] }]);

    const hanging = ask({ port: gateway.port, path: '/hang' }).catch(() => 'broken off');
    for (const path of ['/well', '/well', '/wrong']) await ask({ port: gateway.port, path });

    const ended = () => loadsIn(reader).flatMap(({ routes }) => routes.flatMap(({ revisions }) => revisions));
    await eventually(() => ended().reduce((sum, { requests }) => sum + requests, 0)).toBe(3);
    expect(ended().reduce((sum, { errors }) => sum + errors, 0)).toBe(1);
    expect(ended().reduce((sum, { seconds }) => sum + seconds, 0)).toBeGreaterThan(0);
    // The one that hangs is there all the time.
    await eventually(() => ended().at(-1)).toMatchObject({ revision: 'flights-1', concurrency: 1, requests: 0 });
    await gateway.stop(0);
    await hanging;
  });

  it('hears how long heads of answers took to come, and not how long their ends', async () => {
    const pod = await startOddPod((_, response) => {
      response.writeHead(200).write('begun');
      setTimeout(() => response.end(), 500);
    });
    cleanups.push(() => pod.stop());
    gateway.table.set(aRoute([pod.backend('flights-1', 100)]));
    const reader = await read(await startAdmin());
    await eventually(() => loadsIn(reader).length).toBeGreaterThan(0);

    await ask({ port: gateway.port, path: '/' });

    const told = () => loadsIn(reader).flatMap(({ routes }) => routes.flatMap(({ revisions }) => revisions));
    await eventually(() => told().reduce((sum, { requests }) => sum + requests, 0)).toBe(1);
    const { seconds = 0, latencies = '' } = told().find(({ requests }) => requests === 1) ?? {};
    const [[step, count] = [SLOWEST_STEP, 0]] = parseLatencyCounts(latencies);
    expect(count).toBe(1);
    expect(longestOfStep(step)).toBeLessThan(seconds);
  });

  it('hears at once when the first request of a service begins to wait', async () => {
    const hold = { requests: 10, timeoutMs: 60_000 };
    const [flights, trains] = [{ hold }, { name: 'trains', uid: 'uid-2', hold }];
    for (const route of [flights, trains]) gateway.table.set(aRoute([aBackend('r-1', 100, { at: [] })], route));
    const admin = await startAdmin();
    const reader = await read(admin);
    await eventually(() => loadsIn(reader).length).toBeGreaterThan(0);
    const before = loadsIn(reader).length;

    const answers = ['flights', 'flights', 'trains'].map((name) =>
      ask({ port: gateway.port, path: '/', host: `${name}.team-a.svc` }),
    );

    await eventually(() => loadsIn(reader).at(-1)?.routes).toEqual([
      { uid: 'uid-1', held: 2, revisions: [] },
      { uid: 'uid-2', held: 1, revisions: [] },
    ]);
    const told = loadsIn(reader).slice(before);
    expect(told.some(({ milliseconds }) => milliseconds < 900)).toBe(true);
    // Whoever begins to read hears of them with its first lines.
    const late = await read(admin);
    await eventually(() => loadsIn(late)[0]?.routes.map(({ held }) => held)).toEqual([2, 1]);
    for (const name of ['flights', 'trains']) gateway.table.delete('team-a', name);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([404, 404, 404]);
    // They are told of no more, but for what ended.
    await eventually(() => loadsIn(reader).at(-1)?.routes).toEqual([]);
  });

  it('is not alone: all hear the same, and one that goes takes nothing from the others', async () => {
    gateway.table.set(aRoute([aBackend('flights-1', 100)]));
    const admin = await startAdmin();
    const [one, two] = [await read(admin), await read(admin)];
    await eventually(() => loadsIn(two).length).toBeGreaterThan(0);
    one.response.destroy();
    gateway.table.set(aRoute([aBackend('flights-1', 100)], { sequence: 2 }));

    await eventually(() => changesIn(two).at(-1)).toEqual({ route: { uid: 'uid-1', sequence: 2, lostHosts: [] } });
    expect(two.lines[0]).toEqual(one.lines[0]);
    const three = await read(admin);
    await eventually(() => changesIn(three)).toEqual([
      one.lines[0],
      { route: { uid: 'uid-1', sequence: 2, lostHosts: [] } },
    ]);
  });

  it('that takes nothing is cut off, and the others are not', async () => {
    const admin = await startAdmin({ maxUnreadBytes: 256 * 1024, maxReaders: 8 });
    const [slow, well] = [await read(admin), await read(admin)];
    let cut = false;
    slow.response.once('close', () => (cut = true));
    slow.response.socket.pause();
    const backend = aBackend('flights-1', 100);
    // So that a line is long: all its hosts are another's.
    const hosts = Array.from({ length: 16 }, (_, index) => `${`${'h'.repeat(60)}.`.repeat(3)}${index}.example.org`);
    gateway.table.set(aRoute([backend], { name: 'owner', uid: 'uid-0', hosts }));
    let sequence = 0;
    const open = () => new Promise((resolve) => admin.server.getConnections((_, count) => resolve(count)));
    while ((await open()) === 2) {
      for (let turn = 0; turn < 50; turn += 1) {
        sequence += 1;
        gateway.table.set(aRoute([backend], { sequence, hosts, createdAt: 5 }));
      }
      await eventually(() => changesIn(well).at(-1)).toMatchObject({ route: { sequence } });
    }
    slow.response.socket.resume();

    await eventually(() => cut).toBe(true);
    expect(well.response.destroyed).toBe(false);
  });

  it('that is one too many is refused', async () => {
    const admin = await startAdmin({ maxUnreadBytes: 1024, maxReaders: 1 });
    const first = await read(admin);
    const second = await read(admin);
    expect([first.status, second.status]).toEqual([200, 503]);
    first.response.destroy();
    await eventually(() => read(admin).then(({ status }) => status)).toBe(200);
  });

  it('hears the last of it at the end, and that it is the end', async () => {
    const pod = await startOddPod((_, response) => response.end());
    cleanups.push(() => pod.stop());
    gateway.table.set(aRoute([pod.backend('flights-1', 100)]));
    const admin = await startAdmin();
    const reader = await read(admin);
    await eventually(() => loadsIn(reader).length).toBe(1);
    await ask({ port: gateway.port, path: '/' });

    await admin.stream.close();

    await eventually(() => reader.response.complete).toBe(true);
    const requests = loadsIn(reader).flatMap(({ routes }) => routes[0]?.revisions[0]?.requests ?? 0);
    expect(requests.reduce((sum, each) => sum + each, 0)).toBe(1);
  });
});
