/**
 * The same bytes of a pod to our client of HTTP/2 and to Node's, and the same answers out: sessions that are right in every way
 * that fast-check finds to write them, and the same with bytes changed. fast-check prints the seed of what fails.
 */
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { Flag, FrameType } from '@slipway/serving-runtime/transport/http2/frames';
import { change, changed, sendInPieces, session, sessionBytes } from '@slipway/serving-runtime/testing/http2-sessions';
import type { Session } from '@slipway/serving-runtime/testing/http2-sessions';
import { frame, rawServer } from '@slipway/serving-runtime/testing/raw-http2';
import type { RawPeer } from '@slipway/serving-runtime/testing/raw-http2';
import { array, assert, asyncProperty } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ask } from '../../testing/asked.ts';
import { fieldsOf } from '../raw-headers.ts';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { HTTP2_LIMITS } from '@slipway/serving-runtime/transport/http2/limits';
import { createHttp2Upstream } from './http2.ts';

const RUNS = 100;
const MARK = Buffer.from('the end!');

interface Seen {
  readonly status: number | undefined;
  readonly fields: unknown;
  readonly body: string;
  readonly trailers: unknown;
  /** undefined: it goes on. */
  readonly end: 'ended' | 'failed' | undefined;
}

interface Client {
  seen(): readonly Seen[];
  close(): void;
}

function ours(port: number, requests: number): Client {
  const generous = { burst: 1e9, perSecond: 0 };
  const upstream = createHttp2Upstream({
    onFault: (cause) => expect(cause).toBeUndefined(),
    limits: { ...HTTP2_LIMITS, idleFrames: generous },
  });
  const all = Array.from({ length: requests }, () => ask(upstream, { port, bytes: Buffer.from('hello') }));
  return {
    seen: () =>
      all.map(({ head, body, trailers, end }) => ({
        status: head?.status,
        fields: head?.fields,
        body: body.toString('latin1'),
        trailers,
        end: end === undefined || end === 'ended' ? end : 'failed',
      })),
    close: upstream.close,
  };
}

function nodes(port: number, requests: number): Client {
  const client = connect(`http://127.0.0.1:${port}`, { settings: { enablePush: false } });
  client.on('error', () => {});
  const all = Array.from({ length: requests }, () => askNode(client.request({ ':method': 'POST', ':path': '/a.B/C' })));
  return { seen: () => all.map((seen) => seen()), close: () => client.destroy() };
}

function askNode(stream: ReturnType<ReturnType<typeof connect>['request']>): () => Seen {
  const seen = { status: undefined, fields: undefined, body: '', trailers: {}, end: undefined } as {
    -readonly [Key in keyof Seen]: Seen[Key];
  };
  stream.on('response', (headers, _flags, rawHeaders) => {
    seen.status = headers[':status'];
    seen.fields = fieldsOf(rawHeaders);
  });
  stream.on('data', (chunk: Buffer) => (seen.body += chunk.toString('latin1')));
  stream.on('trailers', (_headers: unknown, _flags: number, raw: readonly string[]) => {
    seen.trailers = Object.fromEntries(fieldsOf(raw).map(({ name, value }) => [name, value]));
  });
  stream.on('end', () => {
    if (stream.rstCode === 0) seen.end = 'ended';
  });
  stream.on('error', () => {});
  stream.on('close', () => (seen.end ??= 'failed'));
  stream.end('hello');
  return () => seen;
}

/** What the client saw when it had taken in all bytes, or had ended its connection. */
async function answered(
  start: typeof ours,
  {
    bytes,
    cuts,
    requests,
    patienceMs,
  }: { bytes: Buffer; cuts: readonly number[]; requests: number; patienceMs: number },
): Promise<readonly Seen[]> {
  const pod = await rawServer();
  const client = start(pod.port, requests);
  try {
    const peer = await heard(pod.connections, requests);
    await sendInPieces(peer, bytes, cuts);
    peer.send(frame(FrameType.ping, 0, 0, MARK));
    const isTakenIn = () => peer.frames.some(({ type, flags }) => type === FrameType.ping && flags === Flag.ack);
    const isAnswered = () => client.seen().every(({ end }) => end !== undefined);
    // Where bytes were changed, a frame may have become so long that the client waits for the rest of it.
    const patience = Date.now() + patienceMs;
    while (!peer.isClosed() && !(isTakenIn() && isAnswered()) && Date.now() < patience) await sleep(1);
    peer.socket.destroy();
    while (!isAnswered()) await sleep(1);
    return client.seen();
  } finally {
    client.close();
    pod.stop();
  }
}

/** The connection, when all requests have come over it. */
async function heard(connections: readonly RawPeer[], requests: number): Promise<RawPeer> {
  for (;;) {
    const [peer] = connections;
    const heads = peer?.frames.filter(({ type }) => type === FrameType.headers) ?? [];
    if (peer !== undefined && heads.length === requests) return peer;
    await sleep(1);
  }
}

// oxlint-disable-next-line no-control-regex -- these are the characters that it is about
const CONTROL = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Node leaves out fields with control characters, which RFC 9110, section 5.5, lets a recipient keep. */
function asNodeTells(seen: Seen): Seen {
  const trailers = Object.entries(seen.trailers as Readonly<Record<string, string>>);
  return {
    ...seen,
    fields: (seen.fields as readonly HeaderField[]).filter(({ value }) => !CONTROL.test(value)),
    trailers: Object.fromEntries(trailers.filter(([, value]) => !CONTROL.test(value))),
  };
}

const bytesOf = (one: Session) => sessionBytes(one, [], () => [{ name: ':status', value: '200' }]);

describe('our client of HTTP/2 and that of Node', () => {
  it('see the same answers in a session that is right', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(session, async (one) => {
        const told = { bytes: bytesOf(one), cuts: one.cuts, requests: one.messages.length, patienceMs: 30_000 };
        const [own, node] = await Promise.all([answered(ours, told), answered(nodes, told)]);
        expect(own).toEqual(node);
        expect(own.map(({ end }) => end)).toEqual(own.map(() => 'ended'));
      }),
      { numRuns: RUNS },
    );
  });

  it('never disagree about an answer where bytes were changed, and live', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(session, array(change, { minLength: 1, maxLength: 3 }), async (one, changes) => {
        const bytes = changed(bytesOf(one), 0, changes);
        const told = { bytes, cuts: one.cuts, requests: one.messages.length, patienceMs: 60 };
        const [own, node] = await Promise.all([answered(ours, told), answered(nodes, told)]);
        own.forEach((seen, index) => {
          const other = node[index];
          if (seen.end === 'ended' && other?.end === 'ended') expect(asNodeTells(seen)).toEqual(other);
        });
      }),
      { numRuns: RUNS },
    );
  });
});
