/** Row 9: the body of an inference with 784 numbers, from its bytes to the tensor, within this process. */
import { parseRestRequest } from '../../../../serving-runtime/src/protocol/rest-request.ts';
import { inferJson } from '../infer-message.ts';
import { MODELS } from '../models.ts';
import { byTurns, median } from '../row.ts';
import type { Figure, Row } from '../row.ts';

const ROUNDS = 7;
const ROUND_MS = 400;

export const JSON_BODY: Row = { number: 9, what: 'JSON of 784 floats against JSON.parse and a copy', measure };

async function measure(): Promise<Figure[]> {
  const body = inferJson(MODELS.b, 1);
  const own = () => parseRestRequest(body, undefined).inputs[0]?.data.length ?? 0;
  const parse = () => {
    const { inputs } = JSON.parse(body.toString('utf8')) as { inputs: [{ data: number[] }] };
    return Float32Array.from(inputs[0].data).length;
  };
  const rounds = await byTurns(ROUNDS, async () => ({ own: microsecondsOf(own), parse: microsecondsOf(parse) }));
  const text = (of: 'own' | 'parse') => `${median(rounds.map((round) => round[of])).toFixed(1)} µs`;
  return [
    {
      what: JSON_BODY.what,
      value: median(rounds.map((round) => round.own / round.parse)),
      unit: 'ratio',
      ask: 0.55,
      stretch: 0.4,
      isSmallerBetter: true,
      from: `${text('own')} against ${text('parse')} for ${body.length} bytes`,
    },
  ];
}

function microsecondsOf(work: () => number): number {
  const end = performance.now() + ROUND_MS;
  const started = performance.now();
  let count = 0;
  // The sum keeps the compiler from leaving the work out.
  let sum = 0;
  while (performance.now() < end) {
    sum += work();
    count += 1;
  }
  if (sum === 0) throw new Error('nothing was read');
  return ((performance.now() - started) * 1000) / count;
}
