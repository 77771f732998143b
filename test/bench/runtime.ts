/**
 * Our controller runtime beside others: the same work against the same real API server, each in a process of its own that
 * is measured from outside. They share the machine with the API server, so only figures of one run compare. `--large` also
 * fills a cache with 50,000 objects; `--profile` leaves CPU profiles of what runs on Node in slipway-profiles, in the
 * temporary folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KUBERNETES_VERSION } from '../../hack/kube/versions.ts';
import { type Contender, prepareContenders } from './peers/contender.ts';
import {
  type Filling,
  LONGEST_LATENCY_MS,
  measureFilling,
  measureReconciling,
  measureWhileSyncing,
  type Reconciling,
} from './peers/measure.ts';
import { startWire } from './peers/wire.ts';
import { startWorld, type World } from './peers/world.ts';

const NOTES = 1_000;
const WORKERS = [1, 8, 32];
const TOUCHED_WITH_WORKERS = 8;
const TOUCHES = 200;

export async function benchRuntime(flags: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-runtime-'));
  const contenders = await prepareContenders(
    folder,
    flags.includes('--profile') ? join(tmpdir(), 'slipway-profiles') : undefined,
  );
  console.log(`${contenders.map(({ name }) => name).join(', ')}; Kubernetes ${KUBERNETES_VERSION}`);
  const world = await startWorld();
  try {
    // Whoever is first would find an API server that has never done this.
    for (const contender of contenders.slice(1))
      await measureReconciling(world, contender, { notes: NOTES / 4, workers: 8, touches: 0 });
    await compareReconciling(world, contenders);
    await compareWires(world, contenders);
    await compareWhileSyncing(world, contenders);
    await compareFilling(world, contenders, 10_000);
    if (flags.includes('--large')) await compareFilling(world, contenders, 50_000);
  } finally {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compareReconciling(world: World, contenders: readonly Contender[]): Promise<void> {
  let touched: readonly Reconciling[] = [];
  for (const workers of WORKERS) {
    const touches = workers === TOUCHED_WITH_WORKERS ? TOUCHES : 0;
    const results: Reconciling[] = [];
    for (const contender of contenders)
      results.push(await measureReconciling(world, contender, { notes: NOTES, workers, touches }));
    if (touches > 0) touched = results;
    print(`${NOTES} custom resources, each to a ConfigMap and a status; workers: ${workers}`, contenders, {
      'reconciles/s': results.map(({ perSecond }) => perSecond),
      'processor ms each': results.map(({ processorMilliseconds }) => processorMilliseconds),
      'requests each': results.map(({ requests }) => requests),
      'peak MiB': results.map(({ peakMebibytes }) => peakMebibytes),
    });
  }
  print(`a change at rest, to its status in a watch; ${TOUCHES} changes`, contenders, {
    'p50 ms': touched.map(({ latencies }) => quantile(latencies, 0.5)),
    'p99 ms': touched.map(({ latencies }) => quantile(latencies, 0.99)),
  });
}

/** In a run of its own, since a relay takes time, too. */
async function compareWires(world: World, contenders: readonly Contender[]): Promise<void> {
  const results: { connections: number; kibibytes: number }[] = [];
  for (const contender of contenders) {
    const wire = await startWire(world);
    try {
      await measureReconciling(wire.world, contender, { notes: NOTES, workers: 8, touches: 0 });
      results.push({ connections: wire.connections(), kibibytes: wire.bytes() / 1024 / NOTES });
    } finally {
      wire.close();
    }
  }
  print(`the same ${NOTES} with 8 workers, over the wire`, contenders, {
    connections: results.map(({ connections }) => connections),
    'KiB each': results.map(({ kibibytes }) => kibibytes),
  });
}

async function compareWhileSyncing(world: World, contenders: readonly Contender[]): Promise<void> {
  const job = { notes: 10_000, workers: 8, touches: 100 };
  const results: (readonly number[])[] = [];
  for (const contender of contenders) results.push(await measureWhileSyncing(world, contender, job));
  print(
    `a change while ${job.notes} wait for their first pass, to its status in a watch; ${LONGEST_LATENCY_MS} is never`,
    contenders,
    {
      'p50 ms': results.map((latencies) => quantile(latencies, 0.5)),
      'p99 ms': results.map((latencies) => quantile(latencies, 0.99)),
      changes: results.map((latencies) => latencies.length),
    },
  );
}

async function compareFilling(world: World, peers: readonly Contender[], count: number): Promise<void> {
  const [ours, ...others] = peers as readonly [Contender, ...Contender[]];
  const contenders = [ours, { ...ours, name: `${ours.name}, streamed`, syncArguments: ['stream'] }, ...others];
  await world.removeAll();
  await world.makeConfigMaps(count);
  const results: Filling[] = [];
  for (const contender of contenders) results.push(await measureFilling(world, contender, count));
  print(`a cache of ${count} ConfigMaps of 4 kB, from the start of the process`, contenders, {
    's until filled': results.map(({ seconds }) => seconds),
    'processor s': results.map(({ processorSeconds }) => processorSeconds),
    'peak MiB': results.map(({ peakMebibytes }) => peakMebibytes),
    'MiB 3 s later': results.map(({ restMebibytes }) => restMebibytes),
  });
}

/** One row a contender; behind each figure ours divided by it. */
function print(title: string, contenders: readonly Contender[], columns: Readonly<Record<string, number[]>>): void {
  const cells = Object.values(columns).map((values) =>
    values.map((value) => `${significant(value)} (${((values[0] ?? 0) / value).toFixed(2)})`),
  );
  const names = contenders.map(({ name }) => name);
  const rows = [
    ['(ours / it)', ...Object.keys(columns)],
    ...names.map((name, row) => [name, ...cells.map((column) => column[row] ?? '')]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)));
  console.log(`\n${title}\n${rows.map((row) => `  ${line(row).join('   ')}`).join('\n')}`);
}

function significant(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
