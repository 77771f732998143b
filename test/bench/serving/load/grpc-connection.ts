/** A client's connection that keeps calls of one method in flight; it writes bytes made beforehand, so that it is never the narrow place. */
import { connect } from 'node:net';
import {
  DEFAULT_WINDOW,
  Flag,
  FrameReader,
  FrameType,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  SettingId,
} from '../../../../serving-runtime/src/transport/http2/frames.ts';
import type { Frame } from '../../../../serving-runtime/src/transport/http2/frames.ts';
import {
  writeFrameHead,
  writeHeaders,
  writeNumberFrame,
  writeSettings,
} from '../../../../serving-runtime/src/transport/http2/frames.ts';
import { HpackEncoder } from '../../../../serving-runtime/src/transport/http2/hpack-encoder.ts';
import { OutputBuffer } from '../../../../serving-runtime/src/transport/http2/output-buffer.ts';
import type { Connection, Tell } from './connection.ts';

export interface GrpcLoad {
  readonly port: number;
  /** `/package.Service/Method` */
  readonly path: string;
  /** Without the prefix of gRPC. */
  readonly message: Buffer;
  readonly inFlight: number;
}

const PREFIX_BYTES = 5;

interface OpenCall {
  readonly started: number;
  /** Bytes of the message that are sent. */
  sent: number;
  window: number;
  hasAnswer: boolean;
}

export function openGrpcConnection({ port, path, message, inFlight }: GrpcLoad, tell: Tell): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const output = new OutputBuffer();
  const encoder = new HpackEncoder();
  const fields = fieldsFor(path);
  const body = framed(message);
  const calls = new Map<number, OpenCall>();
  /** Calls whose message waits for the server's flow control, the oldest first. */
  const unsent = new Set<number>();
  let window = DEFAULT_WINDOW;
  let initialWindow = DEFAULT_WINDOW;
  let nextStreamId = 1;

  const call = () => {
    const streamId = nextStreamId;
    nextStreamId += 2;
    calls.set(streamId, { started: performance.now(), sent: 0, window: initialWindow, hasAnswer: false });
    writeHeaders(output, { streamId, isLast: false }, () => encoder.encode(fields, output));
    unsent.add(streamId);
  };

  const pump = () => {
    for (const streamId of unsent) {
      const open = calls.get(streamId);
      while (open !== undefined && open.sent < body.length) {
        const bytes = Math.min(body.length - open.sent, MAX_FRAME_BYTES, window, open.window);
        if (bytes <= 0) break;
        const isLast = open.sent + bytes === body.length;
        writeFrameHead(output, { type: FrameType.data, flags: isLast ? Flag.endStream : 0, streamId }, bytes);
        output.bytes(body.subarray(open.sent, open.sent + bytes));
        open.sent += bytes;
        open.window -= bytes;
        window -= bytes;
      }
      if (open === undefined || open.sent === body.length) unsent.delete(streamId);
      if (window <= 0) return;
    }
  };

  const answered = (streamId: number) => {
    const open = calls.get(streamId);
    if (open === undefined) return;
    calls.delete(streamId);
    unsent.delete(streamId);
    tell(performance.now() - open.started, open.hasAnswer);
    call();
  };

  const widen = (streamId: number, bytes: number) => {
    const open = calls.get(streamId);
    if (streamId === 0) window += bytes;
    else if (open !== undefined) open.window += bytes;
  };

  const settings = ({ buffer, start, end }: Frame) => {
    for (let at = start; at < end; at += 6) {
      if (buffer.readUInt16BE(at) !== SettingId.initialWindowSize) continue;
      const size = buffer.readUInt32BE(at + 2);
      for (const open of calls.values()) open.window += size - initialWindow;
      initialWindow = size;
    }
    writeFrameHead(output, { type: FrameType.settings, flags: Flag.ack, streamId: 0 }, 0);
  };

  const ping = ({ buffer, start, end }: Frame) => {
    writeFrameHead(output, { type: FrameType.ping, flags: Flag.ack, streamId: 0 }, end - start);
    output.bytes(buffer.subarray(start, end));
  };

  const data = ({ streamId, start, end }: Frame) => {
    const open = calls.get(streamId);
    // A failure has trailers and no message.
    if (open !== undefined && end - start > PREFIX_BYTES) open.hasAnswer = true;
  };

  const reader = new FrameReader((frame) => {
    const { type, flags, streamId, buffer, start } = frame;
    if (type === FrameType.data) data(frame);
    else if (type === FrameType.headers) {
      if ((flags & Flag.endStream) !== 0) answered(streamId);
    } else if (type === FrameType.windowUpdate) widen(streamId, buffer.readUInt32BE(start));
    else if (type === FrameType.settings || type === FrameType.ping) {
      if ((flags & Flag.ack) === 0) (type === FrameType.ping ? ping : settings)(frame);
    } else if (type === FrameType.goaway || type === FrameType.rstStream) {
      throw new Error(`the server broke off: a frame of type ${type}`);
    }
  });
  const flush = () => {
    pump();
    for (const chunk of output.takeChunks()) socket.write(chunk);
  };
  socket.on('data', (chunk: Buffer) => {
    reader.read(chunk);
    socket.cork();
    flush();
    socket.uncork();
  });
  output.latin1('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  writeSettings(output, []);
  writeNumberFrame(output, FrameType.windowUpdate, 0, MAX_WINDOW - DEFAULT_WINDOW);
  for (let started = 0; started < inFlight; started += 1) call();
  flush();
  return { close: () => socket.destroy() };
}

function fieldsFor(path: string) {
  return Object.entries({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'bench',
  }).map(([name, value]) => ({ name, value }));
}

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
