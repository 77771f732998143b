/**
 * The same bytes to our HTTP/2 and to Node's, and the same answers out: sessions that are right in every way that fast-check
 * finds to write them, and the same with bytes changed. fast-check prints the seed of what fails.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { array, assert, asyncProperty } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame, rawClient, settingsFrame, uint32 } from '../../testing/raw-http2.ts';
import { change, changed, sendInPieces, session, sessionBytes } from '../../testing/http2-sessions.ts';
import type { Session } from '../../testing/http2-sessions.ts';
import type { RawPeer } from '../../testing/raw-http2.ts';
import type { Http2Listener, RequestListener } from './exchange.ts';
import { Flag, FrameType, PREFACE, SettingId } from './frames.ts';
import { createNodeListener } from './node-listener.ts';
import { createOwnListener } from './own-listener.ts';

const RUNS = 150;

/** Answers with what it got: the head as text, then the body, then its length in a trailer. */
const mirror: RequestListener = (exchange) => {
  const { method, path, fields } = exchange.request;
  const body: Buffer[] = [];
  return {
    data: (chunk) => {
      body.push(Buffer.from(chunk));
      exchange.consumed(chunk.length);
    },
    end: () => {
      const all = Buffer.concat(body);
      exchange.respond([
        { name: ':status', value: '200' },
        { name: 'x-method', value: method },
        { name: 'x-path', value: path },
      ]);
      exchange.write(Buffer.from(fields.map(({ name, value }) => `${name}: ${value}\n`).join('')));
      exchange.write(all);
      exchange.end([{ name: 'x-length', value: String(all.length) }]);
    },
    aborted: () => exchange.end(),
    drained: () => {},
  };
};

const kinds: { listener: Http2Listener; server: Server; port: number }[] = [];
beforeAll(async () => {
  const generous = { burst: 1e9, perSecond: 0 };
  const limits = { resets: generous, resetsOfAddress: generous, idleFrames: generous };
  for (const listener of [createOwnListener(mirror, { limits }), createNodeListener(mirror)]) {
    const server = createServer({ noDelay: true }, listener.take);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    kinds.push({ listener, server, port: (server.address() as AddressInfo).port });
  }
});
afterAll(() => {
  for (const { listener, server } of kinds) {
    listener.close();
    server.close();
  }
});

/** All bytes of the client. */
function bytesOf(one: Session): Buffer {
  const opening = [
    PREFACE,
    settingsFrame([SettingId.initialWindowSize, 1_000_000]),
    frame(FrameType.windowUpdate, 0, 0, uint32(1e9)),
  ];
  const headOf = (streamId: number) => [
    { name: ':method', value: 'POST' },
    { name: ':scheme', value: 'http' },
    { name: ':path', value: `/${streamId}` },
    { name: ':authority', value: 'test' },
  ];
  return sessionBytes(one, opening, headOf);
}

// ---- what comes back

interface Seen {
  readonly heads: readonly unknown[];
  readonly body: string;
  readonly isComplete: boolean;
  readonly reset: number | undefined;
}

function seenOf({ frames }: RawPeer, streamId: number): Seen {
  const mine = frames.filter((one) => one.streamId === streamId);
  const reset = mine.find(({ type }) => type === FrameType.rstStream);
  const heads = mine
    .filter(({ type }) => type === FrameType.headers)
    .map(({ fields }) => {
      const { date: _date, ...others } = fields ?? {};
      return others;
    });
  return {
    heads,
    body: Buffer.concat(mine.filter(({ type }) => type === FrameType.data).map(({ payload }) => payload)).toString(
      'latin1',
    ),
    isComplete: mine.some(({ type, flags }) => type <= FrameType.headers && (flags & Flag.endStream) !== 0),
    reset: reset?.payload.readUInt32BE(),
  };
}

const MARK = Buffer.from('the end!');

/** Sends the bytes in pieces, and waits until everything before a last PING was taken in and answered, or the connection ended. */
async function exchangeBytes(port: number, bytes: Buffer, cuts: readonly number[], streams: number): Promise<RawPeer> {
  const client = await rawClient(port, []);
  await sendInPieces(client, bytes, cuts);
  client.send(frame(FrameType.ping, 0, 0, MARK));
  const isAnswered = () =>
    Array.from({ length: streams }, (_, index) => seenOf(client, 2 * index + 1)).every(
      ({ isComplete, reset }) => isComplete || reset !== undefined,
    );
  const isOver = () => client.isClosed() || client.frames.some(({ type }) => type === FrameType.goaway);
  const isTakenIn = () => client.frames.some(({ type, payload }) => type === FrameType.ping && payload.equals(MARK));
  // Where bytes were changed, a frame may have become so long that the server waits for the rest of it.
  const patience = Date.now() + (streams === 0 ? 60 : 5_000);
  while (!isOver() && !(isTakenIn() && isAnswered()) && Date.now() < patience) await sleep(1);
  client.socket.destroy();
  return client;
}

async function exchangeWithBoth(bytes: Buffer, cuts: readonly number[], streams: number): Promise<RawPeer[]> {
  return Promise.all(kinds.map(({ port }) => exchangeBytes(port, bytes, cuts, streams)));
}

describe('our HTTP/2 and that of Node', () => {
  it('answer a session that is right in the same way', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(session, async (one) => {
        const bytes = bytesOf(one);
        const clients = await exchangeWithBoth(bytes, one.cuts, one.messages.length);
        one.messages.forEach((_, index) => {
          const [own, node] = clients.map((client) => seenOf(client, 2 * index + 1));
          expect(own).toEqual(node);
          expect(own).toMatchObject({ isComplete: true, reset: undefined });
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('never disagree about an answer where bytes were changed, and live', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(session, array(change, { minLength: 1, maxLength: 3 }), async (one, changes) => {
        const bytes = changed(bytesOf(one), PREFACE.length, changes);
        const clients = await exchangeWithBoth(bytes, one.cuts, 0);
        one.messages.forEach((_, index) => {
          const [own, node] = clients.map((client) => seenOf(client, 2 * index + 1));
          if (own?.isComplete === true && node?.isComplete === true) expect(own).toEqual(node);
        });
      }),
      { numRuns: RUNS },
    );
  });
});
