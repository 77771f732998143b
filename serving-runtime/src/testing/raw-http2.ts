/** A client of HTTP/2 that sends what it is told, right or wrong, and shows the frames that come back. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Flag, FrameReader, FrameType, writeFrameHead, writeSettings } from '../transport/http2/frames.ts';
import { HpackDecoder } from '../transport/http2/hpack-decoder.ts';
import { HpackEncoder } from '../transport/http2/hpack-encoder.ts';
import { OutputBuffer } from '../transport/http2/output-buffer.ts';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** Of HEADERS. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface RawClient {
  readonly socket: Socket;
  readonly frames: readonly SeenFrame[];
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  isClosed(): boolean;
  send(...parts: readonly Uint8Array[]): void;
  /** A HEADERS frame of a request, by the client's own HPACK state. */
  headers(streamId: number, fields?: Readonly<Record<string, string>>, flags?: number): Buffer;
  /** The first frame seen or to come that fits; rejects when the connection ends before. */
  frame(fits: (frame: SeenFrame) => boolean): Promise<SeenFrame>;
  /** The head of an answer. */
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

/** With `opening` it sends that first; by default the preface and SETTINGS. */
export async function rawClient(
  port: number,
  opening: readonly Uint8Array[] = [PREFACE, settingsFrame()],
): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(4096, 1 << 20);
  const frames: SeenFrame[] = [];
  let isClosed = false;
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
  socket.on('data', (chunk: Buffer) => reader.read(chunk));
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
