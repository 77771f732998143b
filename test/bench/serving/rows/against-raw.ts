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
import { INLINE, measureRaw, startSlipway } from '../servers.ts';
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
  /** The processor time of raw, in that of the server for the same rows, where the model runs on the thread that answers the network. */
  readonly inline?: Bounds;
  readonly worker: Bounds;
  readonly twoWorkers?: Bounds;
}

export const AGAINST_RAW: readonly Row[] = [
  row(3, {
    model: MODELS.b,
    load: { connections: 8, inFlight: 32 },
    inline: { ask: 0.58, stretch: 0.68 },
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
    inline: { ask: 0.8, stretch: 0.88 },
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
  return [
    ...(given.inline === undefined ? [] : [inlineFigure(what, await measureRounds(given, INLINE), given.inline)]),
    rateFigure(`${what}: a worker ÷ raw`, await measureRounds(given, {}), given.worker),
    ...(given.twoWorkers === undefined ? [] : [await twoWorkersFigure(what, given, given.twoWorkers)]),
  ];
}

function inlineFigure(what: string, rounds: readonly Round[], bounds: Bounds): Figure {
  const microseconds = (value: (round: Round) => number) => `${middle(rounds, value).toFixed(1)} µs`;
  return {
    what: `${what}, isolation: none: raw's CPU ÷ the server's`,
    value: middle(rounds, ({ raw, cpuMicroseconds }) => raw.cpuMicroseconds / cpuMicroseconds),
    unit: 'ratio',
    ...bounds,
    from: `a row ${microseconds(({ raw }) => raw.cpuMicroseconds)} against ${microseconds((round) => round.cpuMicroseconds)}, of which ONNX Runtime ${microseconds(({ rawBatched }) => rawBatched.cpuMicroseconds)}`,
  };
}

function rateFigure(what: string, rounds: readonly Round[], bounds: Bounds): Figure {
  const perSecondOf = (value: (round: Round) => number) => perSecond(middle(rounds, value));
  return {
    what,
    value: middle(rounds, (round) => round.rate / round.raw.rowsPerSecond),
    unit: 'ratio',
    ...bounds,
    from: `${perSecondOf(({ rate }) => rate)} of ${perSecondOf(({ raw }) => raw.rowsPerSecond)}; ${middle(rounds, ({ rowsPerRun }) => rowsPerRun).toFixed(1)} rows a run, raw in such runs ${perSecondOf(({ rawBatched }) => rawBatched.rowsPerSecond)}`,
  };
}

/** Beside what two raw loops at a time reach: two cores of a virtual machine are not always twice one. */
async function twoWorkersFigure(what: string, given: Case, bounds: Bounds): Promise<Figure> {
  const figure = rateFigure(`${what}: two workers ÷ raw`, await measureRounds(given, { instances: 2 }), bounds);
  const { model, load } = given;
  const pairs = await byTurns(ROUNDS, () =>
    Promise.all([measureRaw(model, load.rows ?? 1, RAW_MS), measureRaw(model, load.rows ?? 1, RAW_MS)]),
  );
  const both = median(pairs.map(([one, other]) => one.rowsPerSecond + other.rowsPerSecond));
  return { ...figure, from: `${figure.from}; two raw loops at a time ${perSecond(both)}` };
}

function middle(rounds: readonly Round[], value: (round: Round) => number): number {
  return median(rounds.map(value));
}

async function measureRounds({ model, load }: Case, settings: Readonly<Record<string, unknown>>): Promise<Round[]> {
  const server = await startSlipway(model, settings);
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
