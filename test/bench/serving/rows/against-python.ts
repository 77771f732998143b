/** Row 10: against the servers of KServe and MLServer, which are Python, with the same model and ONNX Runtime. */
import { inferJson } from '../infer-message.ts';
import { putInferLoad } from '../load/infer-load.ts';
import { putLoad } from '../load/load.ts';
import type { LoadResult } from '../load/load.ts';
import { MODELS } from '../models.ts';
import type { BenchModel } from '../models.ts';
import { KSERVE, MLSERVER, pythonOf } from '../python-servers.ts';
import type { PythonPeer } from '../python-servers.ts';
import { byTurns, median, perSecond } from '../row.ts';
import type { Figure, Row } from '../row.ts';
import { startSlipway } from '../servers.ts';
import type { Served } from '../servers.ts';

const ROUNDS = 3;
const CONNECTIONS = 4;
const IN_FLIGHT = 4;

export const AGAINST_PYTHON: Row = {
  number: 10,
  isLong: true,
  what: "against KServe's Python server and MLServer",
  measure,
};

/** By the model: how many times the rate at equal processor time. */
const BOUNDS = { b: { ask: 10, stretch: 20 }, c: { ask: 2, stretch: 2.5 } } as const;

async function measure(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const peer of [KSERVE, MLSERVER]) {
    try {
      const python = await pythonOf(peer);
      for (const name of ['b', 'c'] as const) figures.push(...(await compare(peer, python, name)));
    } catch (cause) {
      figures.push({
        what: `against ${peer.name}`,
        value: NaN,
        unit: 'times',
        from: `it does not run here: ${String(cause)}`,
      });
    }
  }
  return figures;
}

type Protocol = 'gRPC' | 'REST';

async function compare(peer: PythonPeer, python: string, name: 'b' | 'c'): Promise<Figure[]> {
  const model = MODELS[name];
  const [own, other] = [await startSlipway(model), await peer.start(python, model)];
  try {
    const figures: Figure[] = [];
    for (const protocol of ['gRPC', 'REST'] as const) {
      const rounds = await byTurns(ROUNDS, async () => ({
        own: await load(own, model, protocol),
        other: await load(other, model, protocol),
      }));
      figures.push(...figuresOf(`${name}, ${protocol}, 16 in flight, ${peer.name}`, BOUNDS[name], rounds));
    }
    return figures;
  } finally {
    await Promise.all([own.stop(), other.stop()]);
  }
}

interface Round {
  readonly own: LoadResult;
  readonly other: LoadResult;
}

function figuresOf(
  what: string,
  bounds: { readonly ask: number; readonly stretch: number },
  rounds: readonly Round[],
): Figure[] {
  const of = (value: (round: Round) => number) => median(rounds.map(value));
  const text = (value: (result: LoadResult) => number, write: (middle: number) => string) =>
    [of(({ own }) => value(own)), of(({ other }) => value(other))].map(write).join(' against ');
  return [
    {
      what: `${what}: rate at equal CPU`,
      value: of(({ own, other }) => other.serverCpuMicroseconds / own.serverCpuMicroseconds),
      unit: 'times',
      ...bounds,
      from: `CPU an inference ${text(
        (result) => result.serverCpuMicroseconds,
        (cpu) => `${Math.round(cpu)} µs`,
      )}; ${text((result) => result.perSecond, perSecond)}`,
    },
    {
      what: `${what}: p99, own ÷ theirs`,
      value: of(({ own, other }) => own.p99 / other.p99),
      unit: 'ratio',
      ask: 1,
      isSmallerBetter: true,
      from: text(
        (result) => result.p99,
        (p99) => `${p99.toFixed(1)} ms`,
      ),
    },
  ];
}

function load(server: Served, model: BenchModel, protocol: Protocol): Promise<LoadResult> {
  if (protocol === 'gRPC') return putInferLoad(server, model, { connections: CONNECTIONS, inFlight: IN_FLIGHT });
  return putLoad({
    kind: 'http',
    method: 'POST',
    port: server.httpPort,
    path: `/v2/models/${model.name}/infer`,
    bytes: inferJson(model, 1).toString('base64'),
    connections: CONNECTIONS * IN_FLIGHT,
    warmUpMs: 1_000,
    measuredMs: 3_000,
    pids: [server.pid],
  });
}
