/** What the operator hears of gateways, from servers that speak as they do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GATEWAY_SILENCE_MS } from '@slipway/crds/gateway-stream';
import type { GatewayLine } from '@slipway/crds/gateway-stream';
import { realClock } from '@slipway/kube';
import type { Clock, EndpointSlice, Logger } from '@slipway/kube';
import { createFakeClock } from '@slipway/kube/testing/fake-clock.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { createGatewayFleet } from './gateway-fleet.ts';
import type { GatewayFleet } from './gateway-fleet.ts';
import { gatewayReplicas, isReady, isServing, withoutDown } from './gateways.ts';

const HERE = '127.0.0.1';
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).forEach((each) => each()));

interface Stream {
  readonly fleet: GatewayFleet;
  readonly server: Server;
  /** Routes and addresses that the fleet told of. */
  readonly told: string[];
  /** One for each connection. */
  readonly streams: ServerResponse[];
  say(...lines: (GatewayLine | string)[]): void;
}

async function listening(clock: Clock = realClock): Promise<Stream> {
  const streams: ServerResponse[] = [];
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/stream' ? 200 : 404).flushHeaders();
    streams.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
  const adminPort = (server.address() as AddressInfo).port;
  const fleet = createGatewayFleet({ clock, log: silent, adminPort, tokenFile: undefined, random: () => 0 });
  const told: string[] = [];
  fleet.subscribe({ route: (uid) => told.push(uid), replica: (address) => told.push(address) });
  fleet.listenTo([HERE]);
  cleanups.push(() => {
    fleet.stop();
    server.closeAllConnections();
    server.close();
  });
  await expect.poll(() => streams.length, WAIT).toBe(1);
  const say = (...lines: (GatewayLine | string)[]) => {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    streams.at(-1)?.write(`${text.join('\n')}\n`);
  };
  return { fleet, server, told, streams, say };
}

const WAIT = { timeout: 20_000, interval: 5 };
const hello: GatewayLine = { hello: { incarnation: 'a', version: '0.1.0' } };
const load: GatewayLine = { load: { milliseconds: 1000, routes: [] } };
const route = (uid: string, sequence: number): GatewayLine => ({ route: { uid, sequence, lostHosts: [] } });

describe('a gateway', () => {
  it('is unknown until it has said something', async () => {
    const { fleet } = await listening();
    expect(fleet.sequenceAt(HERE, 'one')).toBeUndefined();
    expect(fleet.sequenceAt('10.0.0.1', 'one')).toBeUndefined();
  });

  it('is known by what it says, and a route that it does not name is not applied once it has told all', async () => {
    const { fleet, told, say } = await listening();
    say(hello, route('one', 3));
    await expect.poll(() => fleet.sequenceAt(HERE, 'one'), WAIT).toBe(3);
    expect(fleet.sequenceAt(HERE, 'two')).toBeUndefined();

    say(load, route('one', 4));
    await expect.poll(() => fleet.sequenceAt(HERE, 'one'), WAIT).toBe(4);
    expect(fleet.sequenceAt(HERE, 'two')).toBe(0);

    say({ gone: { uid: 'one' } });
    await expect.poll(() => fleet.sequenceAt(HERE, 'one'), WAIT).toBe(0);
    expect(told).toEqual(['one', 'one', 'one']);
  });

  it('says what it has to do, and which process it is', async () => {
    const { fleet, say } = await listening();
    const heard: unknown[] = [];
    fleet.subscribe({ load: (incarnation, { milliseconds }) => heard.push([incarnation, milliseconds]) });
    expect(fleet.incarnationAt(HERE)).toBeUndefined();
    say(hello, load);
    await expect.poll(() => heard, WAIT).toEqual([['a', 1000]]);
    expect(fleet.incarnationAt(HERE)).toBe('a');
  });

  it.each([
    ['ends the stream', (stream: Stream) => stream.streams[0]?.end()],
    ['breaks the connection', (stream: Stream) => stream.streams[0]?.destroy()],
    ['says what makes no sense', (stream: Stream) => stream.say('{"route":{"uid":"one"}}')],
    ['says what is no JSON', (stream: Stream) => stream.say('<html>')],
  ])('that %s is unknown, and asked again', async (_, fail) => {
    const stream = await listening();
    stream.say(hello, route('one', 3), load);
    await expect.poll(() => stream.fleet.sequenceAt(HERE, 'one'), WAIT).toBe(3);
    fail(stream);
    await expect.poll(() => stream.fleet.sequenceAt(HERE, 'one'), WAIT).toBeUndefined();

    await expect.poll(() => stream.streams.length, WAIT).toBe(2);
    stream.say(hello, route('one', 5));
    await expect.poll(() => stream.fleet.sequenceAt(HERE, 'one'), WAIT).toBe(5);
  });

  it('that the Service does not list any more is forgotten, and its connection given up', async () => {
    const { fleet, streams, say } = await listening();
    say(hello, route('one', 3));
    await expect.poll(() => fleet.sequenceAt(HERE, 'one'), WAIT).toBe(3);
    fleet.listenTo([]);
    expect(fleet.sequenceAt(HERE, 'one')).toBeUndefined();
    await expect.poll(() => streams[0]?.closed, WAIT).toBe(true);
  });
});

describe('a gateway that asks who listens', () => {
  /** It lets in whoever has this token. */
  async function asking(tokenFile: string) {
    const wanted = { token: 'Bearer first' };
    const why: string[] = [];
    const open: ServerResponse[] = [];
    const server = createServer((request, response) => {
      if (request.headers.authorization !== wanted.token) response.writeHead(401).end('{"error":"who are you?"}');
      else {
        open.push(response.writeHead(200));
        response.write(`${JSON.stringify(hello)}\n`);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
    const { port: adminPort } = server.address() as AddressInfo;
    const log: Logger = { ...silent, info: (fields) => void why.push((fields as { why: string }).why) };
    const fleet = createGatewayFleet({ clock: realClock, log, adminPort, tokenFile, random: () => 0 });
    fleet.listenTo([HERE]);
    cleanups.push(() => {
      fleet.stop();
      server.closeAllConnections();
      server.close();
    });
    return { fleet, wanted, why, open };
  }

  function emptyFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-token-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  it('is shown the token of the file as it is when the connection is made', async () => {
    const file = join(emptyFolder(), 'token');
    writeFileSync(file, 'first\n');
    const { fleet, wanted, open } = await asking(file);
    await expect.poll(() => fleet.incarnationAt(HERE), WAIT).toBe('a');

    writeFileSync(file, 'second');
    wanted.token = 'Bearer second';
    open[0]?.end();
    await expect.poll(() => open.length, WAIT).toBe(2);
    await expect.poll(() => fleet.incarnationAt(HERE), WAIT).toBe('a');
  });

  it('is not heard with another one, or with none that can be read, and why is said', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'token'), 'forged');
    const refused = await asking(join(folder, 'token'));
    const missing = await asking(join(folder, 'nothing'));

    await expect.poll(() => refused.why, WAIT).toEqual(['it answers with status 401: {"error":"who are you?"}']);
    await expect.poll(() => missing.why[0], WAIT).toMatch(/^the token for it cannot be read: ENOENT/);
    expect([refused.fleet.incarnationAt(HERE), missing.fleet.incarnationAt(HERE)]).toEqual([undefined, undefined]);
  });
});

describe('a gateway that is not heard', () => {
  async function broken() {
    const clock = createFakeClock();
    const stream = await listening(clock);
    stream.say(hello, route('one', 3));
    await expect.poll(() => stream.fleet.sequenceAt(HERE, 'one'), WAIT).toBe(3);
    await clock.advance(1_000);
    stream.streams[0]?.destroy();
    await expect.poll(() => stream.fleet.sequenceAt(HERE, 'one'), WAIT).toBeUndefined();
    return { ...stream, clock };
  }

  it('is told of once it has said nothing for so long, and once', async () => {
    const { told, clock } = await broken();
    await clock.advance(GATEWAY_SILENCE_MS - 1_001);
    expect(told).toEqual(['one']);

    await clock.advance(1);
    expect(told).toEqual(['one', HERE]);
    await clock.advance(60_000);
    expect(told).toEqual(['one', HERE]);
  });

  it('is not told of when it is heard again before', async () => {
    const { fleet, streams, told, say, clock } = await broken();
    await clock.advance(200);
    await expect.poll(() => streams.length, WAIT).toBe(2);
    say(hello, route('one', 3));
    await expect.poll(() => fleet.sequenceAt(HERE, 'one'), WAIT).toBe(3);
    await clock.advance(60_000);

    expect(told).toEqual(['one', 'one']);
  });

  it('is not told of when the Service does not list it any more', async () => {
    const { fleet, told, clock } = await broken();
    fleet.listenTo([]);
    await clock.advance(60_000);

    expect(told).toEqual(['one']);
  });
});

describe('a gateway that dies', () => {
  it('is down as soon as nothing listens at its address, and up when it says hello', async () => {
    const { fleet, server, streams, told, say } = await listening();
    const { port } = server.address() as AddressInfo;
    say(hello, route('one', 3));
    await expect.poll(() => fleet.sequenceAt(HERE, 'one'), WAIT).toBe(3);
    server.close();
    server.closeAllConnections();
    await expect.poll(() => fleet.isDown(HERE), WAIT).toBe(true);

    await new Promise<void>((resolve) => server.listen(port, HERE, resolve));
    await expect.poll(() => streams.length, WAIT).toBe(2);
    expect(fleet.isDown(HERE)).toBe(true);
    say(hello);
    await expect.poll(() => fleet.isDown(HERE), WAIT).toBe(false);
    expect(told).toEqual(['one', HERE, HERE]);
  });

  it('is not down where the connection breaks and another can be made', async () => {
    const { fleet, streams, told, say } = await listening();
    say(hello);
    streams[0]?.destroy();
    await expect.poll(() => streams.length, WAIT).toBe(2);
    expect(fleet.isDown(HERE)).toBe(false);
    expect(told).toEqual([]);
  });

  it('gets no new connections, but for the last of them', () => {
    const replicas = gatewayReplicas([
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'gateways' },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080 }],
        endpoints: [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }],
      },
    ]);
    const one = withoutDown(replicas, (address) => address === '10.0.0.1');
    expect(one.map((replica) => [isReady(replica), isServing(replica)])).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(withoutDown(replicas, () => true)).toEqual(replicas);
  });
});

describe('the replicas', () => {
  const slice = (more: Partial<EndpointSlice>): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'gateways' },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [],
    ...more,
  });

  it('are those of all slices that have the port, by address', () => {
    const found = gatewayReplicas([
      slice({ endpoints: [{ addresses: ['10.0.0.2'] }, { addresses: ['10.0.0.1'] }] }),
      slice({ ports: [{ name: 'metrics', port: 9 }], endpoints: [{ addresses: ['10.0.0.3'] }] }),
      slice({ endpoints: null as never }),
    ]);
    expect(found.map(({ address, port }) => [address, port])).toEqual([
      ['10.0.0.1', 8080],
      ['10.0.0.2', 8080],
    ]);
  });

  it('are the pods that Kubernetes names', () => {
    const targetRef = { kind: 'Pod', namespace: 'slipway-system', name: 'gateway-one' };
    const [replica] = gatewayReplicas([slice({ endpoints: [{ addresses: ['10.0.0.1'], targetRef }] })]);
    expect(replica?.targetRef).toEqual(targetRef);
  });

  it.each([
    [{}, { ready: true, serving: true }],
    [{ ready: true }, { ready: true, serving: true }],
    [
      { ready: false, serving: true, terminating: true },
      { ready: false, serving: true },
    ],
    [
      { ready: false, serving: false },
      { ready: false, serving: false },
    ],
    [{ ready: false }, { ready: false, serving: false }],
  ])('with the conditions %j', (conditions, expected) => {
    const [replica] = gatewayReplicas([slice({ endpoints: [{ addresses: ['10.0.0.1'], conditions }] })]);
    expect(replica && { ready: isReady(replica), serving: isServing(replica) }).toEqual(expected);
  });
});
