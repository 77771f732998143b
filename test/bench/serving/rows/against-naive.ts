/** Rows 2 and 8: against grpc-js with `session.run` in the method. */
import { putInferLoad } from '../load/infer-load.ts';
import { MODELS } from '../models.ts';
import { byTurns, median, perSecond } from '../row.ts';
import type { Figure, Row } from '../row.ts';
import { INLINE, startNaive, startSlipway } from '../servers.ts';

const ROUNDS = 3;

export const THROUGHPUT: Row = { number: 2, what: 'a, 8x32: inferences/s against naive', measure: measureThroughput };
export const LATENCY: Row = { number: 8, what: 'b, 1x1: p50 against naive', measure: measureLatency };

async function measureThroughput(): Promise<Figure[]> {
  const model = MODELS.a;
  const servers = {
    own: await startSlipway(model),
    inline: await startSlipway(model, INLINE),
    naive: await startNaive(model),
  };
  try {
    const load = { connections: 8, inFlight: 32 };
    const rounds = await byTurns(ROUNDS, async () => ({
      own: await putInferLoad(servers.own, model, load),
      inline: await putInferLoad(servers.inline, model, load),
      naive: await putInferLoad(servers.naive, model, load),
    }));
    const rate = (of: Server) => perSecond(median(rounds.map((round) => round[of].perSecond)));
    const cpu = (of: Server) => median(rounds.map((round) => round[of].serverCpuMicroseconds)).toFixed(1);
    const figure = (what: string, of: Server): Figure => ({
      what,
      value: median(rounds.map((round) => round[of].perSecond / round.naive.perSecond)),
      unit: 'times',
      ask: 10,
      stretch: 15,
      from: `${rate(of)} against ${rate('naive')}; CPU an inference ${cpu(of)} µs against ${cpu('naive')}; load generator ${percentBusy(rounds.map((round) => round[of].generatorCpuShare))} of a core`,
    });
    return [figure(THROUGHPUT.what, 'own'), figure(`${THROUGHPUT.what}, isolation: none`, 'inline')];
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
}

type Server = 'own' | 'inline' | 'naive';

async function measureLatency(): Promise<Figure[]> {
  const model = MODELS.b;
  const servers = {
    own: await startSlipway(model),
    inline: await startSlipway(model, INLINE),
    alone: await startSlipway(model, { maxBatchRows: 1 }),
    naive: await startNaive(model),
  };
  try {
    const p50 = async (of: keyof typeof servers) => (await putInferLoad(servers[of], model, ONE_AT_A_TIME)).p50;
    const rounds = await byTurns(ROUNDS, async () => ({
      own: await p50('own'),
      inline: await p50('inline'),
      alone: await p50('alone'),
      naive: await p50('naive'),
    }));
    const written = (of: keyof typeof servers) => `${(median(rounds.map((round) => round[of])) * 1000).toFixed(0)} µs`;
    const figure = (what: string, of: Server): Figure => ({
      what,
      value: median(rounds.map((round) => round[of] / round.naive)),
      unit: 'ratio',
      ask: 0.65,
      stretch: 0.55,
      isSmallerBetter: true,
      from: `${written(of)} against ${written('naive')}`,
    });
    return [
      figure(LATENCY.what, 'own'),
      figure(`${LATENCY.what}, isolation: none`, 'inline'),
      {
        what: 'b, 1x1: what batching adds to it',
        value: median(rounds.map((round) => (round.own / round.alone - 1) * 100)),
        unit: 'percent',
        ask: 10,
        stretch: 5,
        isSmallerBetter: true,
        from: `${written('own')} against ${written('alone')} with maxBatchRows: 1`,
      },
    ];
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
}

const ONE_AT_A_TIME = { connections: 1, inFlight: 1 };

function percentBusy(shares: readonly number[]): string {
  return `${Math.round(median(shares) * 100)} %`;
}
