/**
 * What a gRPC call costs the server beside its work: an echo of 128 bytes, 4 connections with 16 calls in flight each, in CPU
 * time of the server's process. The client writes bytes made beforehand, so that it is never the narrow place.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Flag, FrameReader, FrameType, MAX_WINDOW } from '../../serving-runtime/src/transport/http2/frames.ts';
import {
  writeFrameHead,
  writeHeaders,
  writeNumberFrame,
  writeSettings,
} from '../../serving-runtime/src/transport/http2/frames.ts';
import { HpackEncoder } from '../../serving-runtime/src/transport/http2/hpack-encoder.ts';
import { OutputBuffer } from '../../serving-runtime/src/transport/http2/output-buffer.ts';

export const ECHO_PATH = '/bench.Echo/Echo';

const KINDS = ['grpc-js', 'node', 'own'] as const;
const CONNECTIONS = 4;
const IN_FLIGHT = 16;
const MESSAGE_BYTES = 128;
const WARM_UP_MS = 2_000;
const MEASURED_MS = 4_000;
const ROUNDS = 3;

const FIELDS = Object.entries({
  ':method': 'POST',
  ':scheme': 'http',
  ':path': ECHO_PATH,
  ':authority': 'localhost',
  'content-type': 'application/grpc',
  te: 'trailers',
  'user-agent': 'bench',
}).map(([name, value]) => ({ name, value }));

export async function benchGrpcEcho(): Promise<void> {
  const servers = new Map<string, EchoServer>();
  try {
    for (const kind of KINDS) servers.set(kind, await startEchoServer(kind));
    const costs = new Map<string, number[]>();
    // By turns, so that what else the machine does meets all of them.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [kind, server] of servers) {
        const { microseconds, perSecond } = await measure(server);
        costs.set(kind, [...(costs.get(kind) ?? []), microseconds]);
        console.log(`${kind.padEnd(8)} ${microseconds.toFixed(2)} µs CPU a call, ${perSecond} calls/s`);
      }
    }
    const median = (kind: string) => (costs.get(kind) ?? []).toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN;
    const ratio = (kind: string) => (median(kind) / median('own')).toFixed(1);
    console.log(
      `median: own ${median('own').toFixed(2)} µs; node ${ratio('node')} times that, grpc-js ${ratio('grpc-js')} times`,
    );
  } finally {
    for (const { process: child } of servers.values()) child.kill();
  }
}

interface EchoServer {
  readonly process: ChildProcess;
  readonly port: number;
}

async function startEchoServer(kind: string): Promise<EchoServer> {
  const child = fork(join(import.meta.dirname, 'grpc-echo-server.ts'), [kind]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { process: child, port };
}

async function cpuMicroseconds({ process: child }: EchoServer): Promise<number> {
  child.send('cpu');
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

async function measure(server: EchoServer): Promise<{ microseconds: number; perSecond: number }> {
  const clients = Array.from({ length: CONNECTIONS }, () => startClient(server.port));
  const answered = () => clients.reduce((sum, client) => sum + client.answered(), 0);
  await sleep(WARM_UP_MS);
  const [before, cpuBefore] = [answered(), await cpuMicroseconds(server)];
  await sleep(MEASURED_MS);
  const [calls, cpu] = [answered() - before, (await cpuMicroseconds(server)) - cpuBefore];
  for (const client of clients) client.stop();
  return { microseconds: cpu / calls, perSecond: Math.round((calls * 1000) / MEASURED_MS) };
}

/** Keeps IN_FLIGHT calls going. */
function startClient(port: number): { answered(): number; stop(): void } {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const output = new OutputBuffer();
  const encoder = new HpackEncoder();
  const message = Buffer.alloc(5 + MESSAGE_BYTES, 1);
  message[0] = 0;
  message.writeUInt32BE(MESSAGE_BYTES, 1);
  let nextStreamId = 1;
  let answered = 0;
  const call = () => {
    const streamId = nextStreamId;
    nextStreamId += 2;
    writeHeaders(output, { streamId, isLast: false }, () => encoder.encode(FIELDS, output));
    writeFrameHead(output, { type: FrameType.data, flags: Flag.endStream, streamId }, message.length);
    output.bytes(message);
  };
  const reader = new FrameReader(({ type, flags }) => {
    if (type === FrameType.rstStream || type === FrameType.goaway) throw new Error('the server broke a call off');
    if (type === FrameType.settings && (flags & Flag.ack) === 0) {
      writeFrameHead(output, { type: FrameType.settings, flags: Flag.ack, streamId: 0 }, 0);
    }
    if (type !== FrameType.headers || (flags & Flag.endStream) === 0) return;
    answered += 1;
    call();
  });
  socket.on('data', (chunk: Buffer) => {
    reader.read(chunk);
    const bytes = output.take();
    if (bytes.length > 0) socket.write(bytes);
  });
  output.latin1('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  writeSettings(output, []);
  writeNumberFrame(output, FrameType.windowUpdate, 0, MAX_WINDOW - 65_535);
  for (let started = 0; started < IN_FLIGHT; started += 1) call();
  socket.write(output.take());
  return { answered: () => answered, stop: () => socket.destroy() };
}
