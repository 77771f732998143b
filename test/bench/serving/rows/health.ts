/** Row 7: how long a health check takes while d saturates one or both cores. */
import { putInferLoad } from '../load/infer-load.ts';
import { putLoad } from '../load/load.ts';
import { MODELS } from '../models.ts';
import { byTurns, median } from '../row.ts';
import type { Figure, Row } from '../row.ts';
import { startSlipway } from '../servers.ts';

const ROUNDS = 3;
const PAUSE_MS = 2;
const SETTLE_MS = 500;
/** Shorter than the load, which takes 1 s to warm up and 3 s. */
const MEASURED_MS = 2_500;

export const HEALTH: Row = { number: 7, what: 'health check while d saturates', measure };

async function measure(): Promise<Figure[]> {
  const figure = async (name: string, instances: number, bounds: { ask: number; stretch: number }): Promise<Figure> => {
    const results = await underLoad(instances);
    return {
      what: `health p99 while d saturates, ${name}`,
      value: median(results.map(({ p99 }) => p99)),
      unit: 'milliseconds',
      ...bounds,
      isSmallerBetter: true,
      from: `GET /v2/health/ready every ${PAUSE_MS} ms; p50 ${median(results.map(({ p50 }) => p50)).toFixed(2)} ms; all p99: ${results.map(({ p99 }) => p99.toFixed(2)).join(', ')}`,
    };
  };
  return [
    await figure('one core free', 1, { ask: 1, stretch: 0.2 }),
    await figure('both busy', 2, { ask: 5, stretch: 2 }),
  ];
}

async function underLoad(instances: number) {
  const server = await startSlipway(MODELS.d, { instances });
  try {
    return await byTurns(ROUNDS, async () => {
      const load = putInferLoad(server, MODELS.d, { connections: 4, inFlight: 4 });
      const health = putLoad({
        kind: 'http',
        method: 'GET',
        port: server.httpPort,
        path: '/v2/health/ready',
        bytes: '',
        connections: 1,
        pause: PAUSE_MS,
        warmUpMs: SETTLE_MS,
        measuredMs: MEASURED_MS,
        pids: [],
      });
      const [result] = await Promise.all([health, load]);
      return result;
    });
  } finally {
    await server.stop();
  }
}
