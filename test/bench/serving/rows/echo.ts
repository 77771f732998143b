/**
 * Row 1. What a gRPC call costs the server beside its work: an echo of 128 bytes, 4 connections with 16 calls in flight each, in CPU
 * time of the server's process. The client writes bytes made beforehand, so that it is never the narrow place.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { putLoad } from '../load/load.ts';
import { byTurns, median } from '../row.ts';
import type { Figure, Row } from '../row.ts';

export const ECHO_PATH = '/bench.Echo/Echo';

const KINDS = ['grpc-js', 'node', 'own'] as const;
type Kind = (typeof KINDS)[number];
const MESSAGE_BYTES = 128;
const ROUNDS = 3;

export const ECHO: Row = { number: 1, what: 'gRPC echo 128 B, 4x16: CPU a request, grpc-js ÷ own', measure };

async function measure(): Promise<Figure[]> {
  const servers: EchoServer[] = [];
  try {
    for (const kind of KINDS) servers.push(await startEchoServer(kind));
    const rounds = await byTurns(ROUNDS, async () => {
      const costs: Record<Kind, number> = { 'grpc-js': 0, node: 0, own: 0 };
      for (const server of servers) costs[server.kind] = await costOf(server);
      return costs;
    });
    const microseconds = (kind: Kind) => `${median(rounds.map((round) => round[kind])).toFixed(2)} µs`;
    return [
      {
        what: ECHO.what,
        value: median(rounds.map((round) => round['grpc-js'] / round.own)),
        unit: 'times',
        ask: 8,
        stretch: 12,
        from: `${microseconds('grpc-js')} against ${microseconds('own')}; node:http2 ${microseconds('node')}`,
      },
    ];
  } finally {
    for (const { stop } of servers) stop();
  }
}

interface EchoServer {
  readonly kind: Kind;
  readonly pid: number;
  readonly port: number;
  stop(): void;
}

async function startEchoServer(kind: Kind): Promise<EchoServer> {
  const child = fork(join(import.meta.dirname, '../peers/echo-server.ts'), [kind]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { kind, pid: child.pid ?? 0, port, stop: () => void child.kill() };
}

async function costOf({ pid, port }: EchoServer): Promise<number> {
  const { serverCpuMicroseconds } = await putLoad({
    kind: 'grpc',
    port,
    path: ECHO_PATH,
    bytes: Buffer.alloc(MESSAGE_BYTES, 1).toString('base64'),
    connections: 4,
    inFlight: 16,
    warmUpMs: 1_000,
    measuredMs: 3_000,
    pids: [pid],
  });
  return serverCpuMicroseconds;
}
