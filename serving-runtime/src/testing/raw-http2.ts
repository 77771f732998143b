/** One side of HTTP/2 that sends what it is told, right or wrong, and shows the frames that come back. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Flag, FrameReader, FrameType, PREFACE, writeFrameHead, writeSettings } from '../transport/http2/frames.ts';
import { HpackDecoder } from '../transport/http2/hpack-decoder.ts';
import { HpackEncoder } from '../transport/http2/hpack-encoder.ts';
import { OutputBuffer } from '../transport/http2/output-buffer.ts';

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** Of HEADERS. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface RawPeer {
  readonly socket: Socket;
  readonly frames: readonly SeenFrame[];
  /** Resolves when the other side has closed the connection. */
  readonly closed: Promise<void>;
  isClosed(): boolean;
  send(...parts: readonly Uint8Array[]): void;
  /** A HEADERS frame, by the HPACK state of this side. */
  headers(streamId: number, fields?: Readonly<Record<string, string>>, flags?: number): Buffer;
  /** The first frame seen or to come that fits; rejects when the connection ends before. */
  frame(fits: (frame: SeenFrame) => boolean): Promise<SeenFrame>;
  /** The first HEADERS of a stream. */
  head(streamId: number): Promise<SeenFrame>;
  /** The code of the RST_STREAM of a stream. */
  resetOf(streamId: number): Promise<number>;
  /** The code of a GOAWAY. */
  goaway(): Promise<number>;
}

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const output = new OutputBuffer();
  writeFrameHead(output, { type, flags, streamId }, payload.length);
  return Buffer.concat([output.take(), payload]);
}

export function settingsFrame(...settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const output = new OutputBuffer();
  writeSettings(output, settings);
  return output.take();
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const GET = { ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'test' };
export const POST = { ...GET, ':method': 'POST' };

/** A client; with `opening` it sends that first, by default the preface and SETTINGS. */
export async function rawClient(
  port: number,
  opening: readonly Uint8Array[] = [PREFACE, settingsFrame()],
): Promise<RawPeer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return rawPeer(socket, opening, 0);
}

export interface RawServer {
  readonly port: number;
  /** In the order in which they came. */
  readonly connections: readonly RawPeer[];
  stop(): void;
}

/** A server; with `opening` each of its connections begins with that, by default SETTINGS. */
export async function rawServer(opening: readonly Uint8Array[] = [settingsFrame()]): Promise<RawServer> {
  const connections: RawPeer[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    connections.push(rawPeer(socket, opening, PREFACE.length));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    for (const { socket } of connections) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, connections, stop };
}

/** `skipped`: bytes that the other side sends before its first frame. */
function rawPeer(socket: Socket, opening: readonly Uint8Array[], skipped: number): RawPeer {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096, 1 << 20);
  const frames: SeenFrame[] = [];
  let isClosed = false;
  let toSkip = skipped;
  const reader = new FrameReader(({ type, flags, streamId, buffer, start, end }) => {
    const payload = Buffer.from(buffer.subarray(start, end));
    const fields = type === FrameType.headers ? decoder.decode(payload, 0, payload.length).fields : [];
    frames.push({
      type,
      flags,
      streamId,
      payload,
      fields: Object.fromEntries(fields.map(({ name, value }) => [name, value])),
    });
  });
  socket.on('data', (chunk: Buffer) => {
    reader.read(chunk.subarray(toSkip));
    toSkip = Math.max(0, toSkip - chunk.length);
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(() => (isClosed = true));
  socket.write(Buffer.concat(opening));
  const find = async (fits: (seen: SeenFrame) => boolean): Promise<SeenFrame> => {
    for (;;) {
      const found = frames.find(fits);
      if (found !== undefined) return found;
      if (isClosed) throw new Error('the connection ended without that frame');
      await sleep(2);
    }
  };
  return {
    socket,
    frames,
    closed,
    isClosed: () => isClosed,
    send: (...parts) => void socket.write(Buffer.concat(parts)),
    headers: (streamId, fields = GET, flags = Flag.endHeaders | Flag.endStream) => {
      const block = new OutputBuffer();
      encoder.encode(
        Object.entries(fields).map(([name, value]) => ({ name, value })),
        block,
      );
      return frame(FrameType.headers, flags, streamId, block.take());
    },
    frame: find,
    head: (streamId) => find((seen) => seen.type === FrameType.headers && seen.streamId === streamId),
    resetOf: async (streamId) => {
      const reset = await find((seen) => seen.type === FrameType.rstStream && seen.streamId === streamId);
      return reset.payload.readUInt32BE();
    },
    goaway: async () => {
      const goaway = await find((seen) => seen.type === FrameType.goaway);
      return goaway.payload.readUInt32BE(4);
    },
  };
}
