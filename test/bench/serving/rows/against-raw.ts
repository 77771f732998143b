/**
 * Rows 3 to 6: how much is left of ONNX Runtime when it is behind the server. "Raw" is a loop of the same requests, one after the other, with nothing
 * around them, on one thread. It is no upper bound: rows that run together may cost less each.
 */
import { putInferLoad } from '../load/infer-load.ts';
import type { InferLoad } from '../load/infer-load.ts';
import { MODELS } from '../models.ts';
import type { BenchModel } from '../models.ts';
import { byTurns, median, perSecond } from '../row.ts';
import type { Figure, Row } from '../row.ts';
import { measureRaw, startSlipway } from '../servers.ts';
import type { RawResult } from '../servers.ts';

const ROUNDS = 3;
const RAW_MS = 1_500;

interface Bounds {
  readonly ask: number;
  readonly stretch: number;
}

interface Case {
  readonly model: BenchModel;
  readonly load: InferLoad;
  /** The processor time of raw, in that of the server for the same rows. */
  readonly efficiency?: Bounds;
  readonly worker: Bounds;
  readonly twoWorkers?: Bounds;
}

export const AGAINST_RAW: readonly Row[] = [
  row(3, {
    model: MODELS.b,
    load: { connections: 8, inFlight: 32 },
    efficiency: { ask: 0.58, stretch: 0.68 },
    worker: { ask: 0.68, stretch: 0.8 },
  }),
  row(4, {
    model: MODELS.b,
    load: { connections: 8, inFlight: 32, rows: 8 },
    worker: { ask: 0.85, stretch: 0.93 },
  }),
  row(5, {
    model: MODELS.c,
    load: { connections: 8, inFlight: 32 },
    efficiency: { ask: 0.8, stretch: 0.88 },
    worker: { ask: 0.88, stretch: 0.94 },
    twoWorkers: { ask: 1.4, stretch: 1.5 },
  }),
  row(6, {
    model: MODELS.d,
    load: { connections: 4, inFlight: 4 },
    worker: { ask: 0.95, stretch: 1 },
    twoWorkers: { ask: 1.7, stretch: 1.79 },
  }),
];

function row(number: number, given: Case): Row {
  const what = nameOf(given);
  return { number, what: `${what} against raw`, measure: () => measure(what, given) };
}

function nameOf({ model, load: { connections, inFlight, rows = 1 } }: Case): string {
  return `${model.name}, ${connections}x${inFlight}${rows === 1 ? '' : `, ${rows} rows a request`}`;
}

interface Round {
  readonly raw: RawResult;
  /** Raw too, but in runs as large as those of the server. */
  readonly rawBatched: RawResult;
  readonly rate: number;
  readonly rowsPerRun: number;
  readonly cpuMicroseconds: number;
}

async function measure(what: string, given: Case): Promise<Figure[]> {
  const one = await measureRounds(given, 1);
  const two = given.twoWorkers === undefined ? [] : await measureRounds(given, 2);
  const of = (rounds: readonly Round[], value: (round: Round) => number) => median(rounds.map(value));
  const rates = (rounds: readonly Round[]) =>
    `${perSecond(of(rounds, ({ rate }) => rate))} of ${perSecond(of(rounds, ({ raw }) => raw.rowsPerSecond))}`;
  const rowsPerRun = of(one, (round) => round.rowsPerRun).toFixed(1);
  const microseconds = (value: (round: Round) => number) => `${of(one, value).toFixed(1)} µs`;
  const efficiency: Figure = {
    what: `${what}: raw's CPU ÷ the server's, in a worker`,
    value: of(one, ({ raw, cpuMicroseconds }) => raw.cpuMicroseconds / cpuMicroseconds),
    unit: 'ratio',
    ...given.efficiency,
    from: `a row ${microseconds(({ raw }) => raw.cpuMicroseconds)} against ${microseconds((round) => round.cpuMicroseconds)}, of which ONNX Runtime ${microseconds(({ rawBatched }) => rawBatched.cpuMicroseconds)}`,
  };
  const rate = (name: string, rounds: readonly Round[], bounds: Bounds): Figure => ({
    what: `${what}: ${name} ÷ raw`,
    value: of(rounds, (round) => round.rate / round.raw.rowsPerSecond),
    unit: 'ratio',
    ...bounds,
    from: `${rates(rounds)}; ${rowsPerRun} rows a run, raw in such runs ${perSecond(of(rounds, ({ rawBatched }) => rawBatched.rowsPerSecond))}`,
  });
  return [
    ...(given.efficiency === undefined ? [] : [efficiency]),
    rate('a worker', one, given.worker),
    ...(given.twoWorkers === undefined ? [] : [rate('two workers', two, given.twoWorkers)]),
  ];
}

async function measureRounds({ model, load }: Case, instances: number): Promise<Round[]> {
  const server = await startSlipway(model, { instances });
  const rows = load.rows ?? 1;
  try {
    return await byTurns(ROUNDS, async () => {
      const raw = await measureRaw(model, rows, RAW_MS);
      await server.rowsPerRun();
      const result = await putInferLoad(server, model, load);
      const rowsPerRun = await server.rowsPerRun();
      const batch = Math.max(rows, Math.round(rowsPerRun));
      return {
        raw,
        rawBatched: batch === rows ? raw : await measureRaw(model, batch, RAW_MS),
        rate: result.perSecond * rows,
        rowsPerRun,
        cpuMicroseconds: result.serverCpuMicroseconds / rows,
      };
    });
  } finally {
    await server.stop();
  }
}
