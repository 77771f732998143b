/** What a pod may do to connections that are kept, and when one is used again. */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../testing/asked.ts';
import { eventually, freePorts } from '../../testing/running-gateway.ts';
import { createHttp1Upstream } from './http1.ts';
import type { Upstream } from './upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const ANSWER = `${OK}Content-Length: 2\r\n\r\nhi`;

interface Pod {
  readonly port: number;
  readonly sockets: readonly Socket[];
  /** All that came over each of its connections. */
  readonly heard: readonly string[];
}

const faults: unknown[] = [];
let upstream: Upstream;
let server: Server | undefined;
let sockets: Socket[] = [];

function useUpstream(options: { readonly idleMs?: number } = {}): void {
  upstream = createHttp1Upstream({ onFault: (cause) => faults.push(cause), now: () => performance.now(), ...options });
}

beforeEach(() => useUpstream());

afterEach(() => {
  upstream.close();
  server?.close();
  for (const socket of sockets) socket.destroy();
  expect(faults.splice(0)).toEqual([]);
});

/** It says `answer` to each request that ends with what `ask` sends. */
async function startPod(answer: string | ((socket: Socket) => void)): Promise<Pod> {
  const heard: string[] = [];
  const accepted: Socket[] = [];
  sockets = accepted;
  server = createServer({ noDelay: true }, (socket) => {
    const place = accepted.push(socket) - 1;
    heard.push('');
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      heard[place] += chunk.toString('latin1');
      if (!chunk.includes('0\r\n\r\n') && !chunk.includes('GET')) return;
      if (typeof answer === 'string') socket.write(answer);
      else answer(socket);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets: accepted, heard };
}

const hello = (port: number, more = {}) => ask(upstream, { port, bytes: Buffer.from('hello'), ...more });

async function askedTwice(pod: Pod): Promise<void> {
  for (const _ of [1, 2]) {
    const one = hello(pod.port);
    await eventually(() => one.end).toBe('ended');
    expect(one.body.toString()).toBe('hi');
  }
}

describe('a request', () => {
  it('goes out in one piece, with its fields as they are and what frames it', async () => {
    const pod = await startPod(ANSWER);
    const one = hello(pod.port, { fields: [{ name: 'x-a', value: '\xe9' }] });

    await eventually(() => one.end).toBe('ended');
    expect(pod.heard).toEqual([
      'POST /a.B/C HTTP/1.1\r\nhost: flights\r\nx-a: \xe9\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    ]);
  });

  it('without a body says so where one could be', async () => {
    const pod = await startPod(ANSWER);
    for (const method of ['GET', 'POST'])
      ask(upstream, { port: pod.port, method, body: 'none', fields: [] }).call.end();

    const heads = ['GET', 'POST'].map((method) => `${method} /a.B/C HTTP/1.1\r\nhost: flights\r\n`);
    await eventually(() => [...pod.heard].toSorted()).toEqual([
      `${heads[0]}\r\n`,
      `${heads[1]}content-length: 0\r\n\r\n`,
    ]);
  });

  it.each(['a\r\nb: c', 'a\nb', 'a\0', 'a\u0001', '\u{1f600}'])('with %j in a field is not sent', async (value) => {
    const pod = await startPod(ANSWER);

    expect(() => hello(pod.port, { fields: [{ name: 'x-a', value }] })).toThrow('holds characters');
    await eventually(() => pod.sockets.every(({ destroyed }) => destroyed)).toBe(true);
    expect(pod.heard.join('')).toBe('');
  });
});

describe('a connection is used again', () => {
  it('after a complete exchange', async () => {
    const pod = await startPod(ANSWER);
    await askedTwice(pod);

    expect(pod.sockets).toHaveLength(1);
  });

  it.each([
    ['whose answer has more behind it', `${ANSWER}HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad`],
    ['whose server closes it', `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nhi`],
    ['whose server keeps it for no time', `${OK}Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nhi`],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi'],
  ])('but not one %s', async (_, answer) => {
    const pod = await startPod(answer);
    await askedTwice(pod);

    expect(pod.sockets).toHaveLength(2);
    await eventually(() => pod.sockets[0]?.destroyed).toBe(true);
  });

  it('but not one whose answer ends with it', async () => {
    const pod = await startPod((socket) => socket.end(`${OK}\r\nhi`));
    await askedTwice(pod);

    expect(pod.sockets).toHaveLength(2);
  });

  it('but not one whose answer was complete before its request', async () => {
    const pod = await startPod(ANSWER);
    const one = ask(upstream, { port: pod.port });
    one.call.write(Buffer.from('hello'));
    await eventually(() => pod.heard[0] ?? '').toContain('hello');
    pod.sockets[0]?.write(ANSWER);
    await eventually(() => one.end).toBe('ended');
    await askedTwice(pod);

    expect(pod.sockets).toHaveLength(2);
    await eventually(() => pod.sockets[0]?.destroyed).toBe(true);
  });

  it('but not one on which something came that nobody asked for', async () => {
    const pod = await startPod(ANSWER);
    const one = hello(pod.port);
    await eventually(() => one.end).toBe('ended');
    pod.sockets[0]?.write(ANSWER);
    await eventually(() => pod.sockets[0]?.destroyed).toBe(true);
    await askedTwice(pod);

    expect(pod.sockets).toHaveLength(2);
  });

  it('but not for a request that broke another', async () => {
    const pod = await startPod(ANSWER);
    const one = hello(pod.port);
    await eventually(() => one.end).toBe('ended');
    const again = hello(pod.port, { isRepeated: true });
    await eventually(() => again.end).toBe('ended');

    expect(pod.sockets).toHaveLength(2);
  });

  it('and not kept for longer than it may be idle', async () => {
    useUpstream({ idleMs: 50 });
    const pod = await startPod(ANSWER);
    const one = hello(pod.port);
    await eventually(() => one.end).toBe('ended');

    await eventually(() => pod.sockets[0]?.destroyed).toBe(true);
  });
});

describe('a request is broken', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['when its server speaks something else', (socket) => socket.write('SSH-2.0-OpenSSH\r\n\r\n')],
    ['when its answer could be read in two ways', (socket) => socket.write(`${OK}Content-Length: 2, 3\r\n\r\nhi`)],
    ['when its server dies', (socket) => socket.resetAndDestroy()],
    ['when its server ends before the answer', (socket) => socket.end()],
    ['when its server ends within the answer', (socket) => socket.end(`${OK}Content-Length: 9\r\n\r\nhi`)],
  ])('%s, and its connection is gone', async (_, answer) => {
    const pod = await startPod(answer);
    const one = hello(pod.port);

    await eventually(() => one.end).toBe('broken');
    await eventually(() => pod.sockets[0]?.destroyed).toBe(true);
  });

  it('and was never sent where nobody listens', async () => {
    const [port = 0] = await freePorts(1);
    const one = hello(port);

    await eventually(() => one.end).toBe('unconnected');
  });

  it('by who gives it up, and its server hears of it', async () => {
    const pod = await startPod((socket) => socket.write(`${OK}Content-Length: 9\r\n\r\nhi`));
    const one = hello(pod.port);
    await eventually(() => one.body.length).toBe(2);
    one.call.cancel();

    await eventually(() => pod.sockets[0]?.destroyed).toBe(true);
    expect(one.end).toBeUndefined();
  });
});
