/** Rows 2 and 8: against grpc-js with `session.run` in the method. */
import { putInferLoad } from '../load/infer-load.ts';
import { MODELS } from '../models.ts';
import { byTurns, median, perSecond } from '../row.ts';
import type { Figure, Row } from '../row.ts';
import { startNaive, startSlipway } from '../servers.ts';

const ROUNDS = 3;

export const THROUGHPUT: Row = { number: 2, what: 'a, 8x32: inferences/s against naive', measure: measureThroughput };
export const LATENCY: Row = { number: 8, what: 'b, 1x1: p50 against naive', measure: measureLatency };

async function measureThroughput(): Promise<Figure[]> {
  const model = MODELS.a;
  const [own, naive] = [await startSlipway(model), await startNaive(model)];
  try {
    const load = { connections: 8, inFlight: 32 };
    const rounds = await byTurns(ROUNDS, async () => ({
      own: await putInferLoad(own, model, load),
      naive: await putInferLoad(naive, model, load),
    }));
    const rate = (of: 'own' | 'naive') => median(rounds.map((round) => round[of].perSecond));
    const cpu = (of: 'own' | 'naive') => median(rounds.map((round) => round[of].serverCpuMicroseconds)).toFixed(1);
    return [
      {
        what: 'a, 8x32: inferences/s against naive',
        value: median(rounds.map((round) => round.own.perSecond / round.naive.perSecond)),
        unit: 'times',
        ask: 10,
        stretch: 15,
        from: `${perSecond(rate('own'))} against ${perSecond(rate('naive'))}; CPU an inference ${cpu('own')} µs against ${cpu('naive')}; load generator ${percentBusy(rounds.map((round) => round.own.generatorCpuShare))} of a core`,
      },
    ];
  } finally {
    await Promise.all([own.stop(), naive.stop()]);
  }
}

async function measureLatency(): Promise<Figure[]> {
  const model = MODELS.b;
  const own = await startSlipway(model);
  const alone = await startSlipway(model, { maxBatchRows: 1 });
  const naive = await startNaive(model);
  try {
    const load = { connections: 1, inFlight: 1 };
    const rounds = await byTurns(ROUNDS, async () => ({
      own: (await putInferLoad(own, model, load)).p50,
      alone: (await putInferLoad(alone, model, load)).p50,
      naive: (await putInferLoad(naive, model, load)).p50,
    }));
    const p50 = (of: 'own' | 'alone' | 'naive') => `${(median(rounds.map((round) => round[of])) * 1000).toFixed(0)} µs`;
    return [
      {
        what: 'b, 1x1: p50 against naive',
        value: median(rounds.map((round) => round.own / round.naive)),
        unit: 'ratio',
        ask: 0.65,
        stretch: 0.55,
        isSmallerBetter: true,
        from: `${p50('own')} against ${p50('naive')}`,
      },
      {
        what: 'b, 1x1: what batching adds to it',
        value: median(rounds.map((round) => (round.own / round.alone - 1) * 100)),
        unit: 'percent',
        ask: 10,
        stretch: 5,
        isSmallerBetter: true,
        from: `${p50('own')} against ${p50('alone')} with maxBatchRows: 1`,
      },
    ];
  } finally {
    await Promise.all([own.stop(), alone.stop(), naive.stop()]);
  }
}

function percentBusy(shares: readonly number[]): string {
  return `${Math.round(median(shares) * 100)} %`;
}
