/**
 * Our controller runtime beside others: the same work against the same real API server, each in a process of its own that
 * is measured from outside. They share the machine with the API server, so only figures of one run compare.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KUBERNETES_VERSION } from '../../hack/kube/versions.ts';
import type { Options } from './options.ts';
import type { Contender } from './peers/contender.ts';
import {
  LONGEST_LATENCY_MS,
  measureFilling,
  measureReconciling,
  measureWhileSyncing,
  type Reconciling,
} from './peers/measure.ts';
import { prepareContenders } from './peers/prepare.ts';
import { printTable, quantile, type Row } from './peers/table.ts';
import { startWire } from './peers/wire.ts';
import { startWorld, type World } from './peers/world.ts';

const NOTES = 1_000;
const WORKERS = [1, 8, 32];
const TOUCHED_WITH_WORKERS = 8;
const TOUCHES = 200;

export async function benchRuntime({ large, profile, rounds }: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-runtime-'));
  const contenders = await prepareContenders(folder, profile ? join(tmpdir(), 'slipway-profiles') : undefined);
  console.log(`${contenders.map(({ name }) => name).join(', ')}; Kubernetes ${KUBERNETES_VERSION}`);
  for (const { note } of contenders) if (note !== undefined) console.log(note);
  const world = await startWorld();
  try {
    for (const { manifest } of contenders) if (manifest !== undefined) await world.apply(manifest);
    // Whoever is first would find an API server that has never done this.
    const warmUp = { notes: NOTES / 4, workers: 8, touches: 0 };
    await byTurns(contenders, 1, (contender) => measureReconciling(world, contender, warmUp));
    await compareReconciling(world, contenders, rounds);
    await compareWires(world, withWorkers(contenders, 8));
    await compareWhileSyncing(world, withWorkers(contenders, 8));
    await compareFilling(world, contenders, 10_000);
    if (large) await compareFilling(world, contenders, 50_000);
  } finally {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compareReconciling(world: World, all: readonly Contender[], rounds: number): Promise<void> {
  let touched: readonly Row<Reconciling>[] = [];
  for (const workers of WORKERS) {
    const touches = workers === TOUCHED_WITH_WORKERS ? TOUCHES : 0;
    const job = { notes: NOTES, workers, touches };
    const rows = await byTurns(withWorkers(all, workers), rounds, (contender) =>
      measureReconciling(world, contender, job),
    );
    if (touches > 0) touched = rows;
    printTable(`${NOTES} custom resources, each to a ConfigMap and a status; workers: ${workers}`, rows, {
      'reconciles/s': ({ perSecond }) => perSecond,
      'processor ms each': ({ processorMilliseconds }) => processorMilliseconds,
      'requests each': ({ requests }) => requests,
      'peak MiB': ({ peakMebibytes }) => peakMebibytes,
    });
  }
  printTable(`a change at rest, to its status in a watch; ${TOUCHES} changes`, touched, {
    'p50 ms': ({ latencies }) => quantile(latencies, 0.5),
    'p99 ms': ({ latencies }) => quantile(latencies, 0.99),
  });
}

/** In a run of its own, since a relay takes time, too. */
async function compareWires(world: World, contenders: readonly Contender[]): Promise<void> {
  const rows = await byTurns(contenders, 1, async (contender) => {
    const wire = await startWire(world);
    try {
      await measureReconciling(wire.world, contender, { notes: NOTES, workers: 8, touches: 0 });
      return { connections: wire.connections(), kibibytes: wire.bytes() / 1024 / NOTES };
    } finally {
      wire.close();
    }
  });
  printTable(`the same ${NOTES} with 8 workers, over the wire`, rows, {
    connections: ({ connections }) => connections,
    'KiB each': ({ kibibytes }) => kibibytes,
  });
}

async function compareWhileSyncing(world: World, contenders: readonly Contender[]): Promise<void> {
  const job = { notes: 10_000, workers: 8, touches: 100 };
  const rows = await byTurns(contenders, 1, (contender) => measureWhileSyncing(world, contender, job));
  const never = `${LONGEST_LATENCY_MS} is never`;
  printTable(`a change while ${job.notes} wait for their first pass, to its status in a watch; ${never}`, rows, {
    'p50 ms': (latencies) => quantile(latencies, 0.5),
    'p99 ms': (latencies) => quantile(latencies, 0.99),
    changes: (latencies) => latencies.length,
  });
}

async function compareFilling(world: World, peers: readonly Contender[], count: number): Promise<void> {
  const [ours, ...others] = peers as readonly [Contender, ...Contender[]];
  const contenders = [ours, { ...ours, name: `${ours.name}, streamed`, syncArguments: ['stream'] }, ...others];
  await world.removeAll();
  await world.makeConfigMaps(count);
  const rows = await byTurns(contenders, 1, (contender) => measureFilling(world, contender, count));
  printTable(`a cache of ${count} ConfigMaps of 4 kB, from the start of the process`, rows, {
    's until filled': ({ seconds }) => seconds,
    'processor s': ({ processorSeconds }) => processorSeconds,
    'peak MiB': ({ peakMebibytes }) => peakMebibytes,
    'MiB 3 s later': ({ restMebibytes }) => restMebibytes,
  });
}

function withWorkers(contenders: readonly Contender[], count: number): readonly Contender[] {
  return contenders.map((contender) => contender.withWorkers?.(count) ?? contender);
}

/**
 * One after the other, and that `rounds` times, so that what else the machine does meets all of them. A peer that fails says why
 * and leaves its cells empty; ours, the first, must not fail.
 */
async function byTurns<T>(
  contenders: readonly Contender[],
  rounds: number,
  measure: (contender: Contender) => Promise<T>,
): Promise<readonly Row<T>[]> {
  const rows = contenders.map(({ name }) => ({ name, results: [] as T[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const measured = index === 0 ? await measure(contender) : await measure(contender).catch(sayWhy(contender));
      if (measured !== undefined) rows[index]?.results.push(measured);
    }
  }
  return rows;
}

function sayWhy({ name }: Contender): (cause: unknown) => undefined {
  return (cause) => {
    console.log(`\n${name} failed: ${cause instanceof Error ? cause.message : String(cause)}`);
  };
}
