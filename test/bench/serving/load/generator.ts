/** A process that puts a server under load, so that what the load costs is not counted to the server. Takes its order as a message. */
import { processorSeconds } from '../../resources.ts';
import type { Connection } from './connection.ts';
import { openGrpcConnection } from './grpc-connection.ts';
import { openHttpConnection } from './http-connection.ts';
import type { LoadOrder, LoadResult } from './load.ts';

async function measure(order: LoadOrder): Promise<LoadResult> {
  const times: number[] = [];
  let failures = 0;
  let isMeasuring = false;
  const tell = (milliseconds: number, isAnswer: boolean) => {
    if (!isMeasuring) return;
    times.push(milliseconds);
    if (!isAnswer) failures += 1;
  };
  const connections: Connection[] = Array.from({ length: order.connections }, () => open(order, tell));
  await sleep(order.warmUpMs);
  const before = { at: performance.now(), server: processorSecondsOf(order.pids), own: process.cpuUsage() };
  isMeasuring = true;
  await sleep(order.measuredMs);
  isMeasuring = false;
  const seconds = (performance.now() - before.at) / 1000;
  const own = process.cpuUsage(before.own);
  const serverSeconds = processorSecondsOf(order.pids) - before.server;
  for (const connection of connections) connection.close();
  const sorted = Float64Array.from(times).sort();
  const quantile = (q: number) => sorted[Math.floor(sorted.length * q)] ?? NaN;
  return {
    perSecond: times.length / seconds,
    failures,
    serverCpuMicroseconds: (serverSeconds * 1e6) / times.length,
    generatorCpuShare: (own.user + own.system) / 1e6 / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
  };
}

function open(order: LoadOrder, tell: (milliseconds: number, isAnswer: boolean) => void): Connection {
  const bytes = Buffer.from(order.bytes, 'base64');
  if (order.kind === 'grpc') return openGrpcConnection({ ...order, message: bytes }, tell);
  return openHttpConnection({ ...order, body: bytes }, tell);
}

function processorSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processorSeconds(pid), 0);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

process.on('message', (order: LoadOrder) => {
  void measure(order).then((result) => process.send?.(result, () => process.exit(0)));
});
process.on('disconnect', () => process.exit(0));
