/** Weights, stickiness and mirrors, counted by who answered. The pods say who they are. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sticky } from './routing/route.ts';
import { startOddPod } from './testing/odd-pod.ts';
import type { OddPod } from './testing/odd-pod.ts';
import { aRoute } from './testing/routes.ts';
import { ask, INFER, row, startGateway, eventually } from './testing/running-gateway.ts';
import type { RunningGateway } from './testing/running-gateway.ts';

let stable: OddPod;
let next: OddPod;
let gateway: RunningGateway;

beforeAll(async () => {
  stable = await startOddPod((request, response) => request.on('end', () => response.end('stable')));
  next = await startOddPod((request, response) => request.on('end', () => response.end('next')));
  gateway = await startGateway();
});

afterAll(async () => {
  await gateway?.stop(0);
  await stable?.stop();
  await next?.stop();
  expect(gateway.faults).toEqual([]);
});

function split(weight: number, sticky?: Sticky): void {
  gateway.table.set(aRoute([stable.backend('flights-1', 100 - weight), next.backend('flights-2', weight)], { sticky }));
}

async function whoAnswers(
  count: number,
  request: (index: number) => { headers?: Record<string, string>; body?: string | Uint8Array },
) {
  const one = async (index: number) => {
    const { headers, body } = await ask({ port: gateway.port, path: INFER, body: '{}', ...request(index) });
    expect(headers['x-slipway-revision']).toBe(body === 'next' ? 'flights-2' : 'flights-1');
    return body;
  };
  const answers: (string | undefined)[] = [];
  while (answers.length < count) {
    const batch = Array.from({ length: Math.min(50, count - answers.length) }, (_, index) =>
      one(answers.length + index),
    );
    answers.push(...(await Promise.all(batch)));
  }
  return answers;
}

it('the observed split is within four standard deviations of the weights', async () => {
  split(30);

  const answers = await whoAnswers(600, () => ({}));

  const share = answers.filter((who) => who === 'next').length / answers.length;
  expect(Math.abs(share - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / answers.length));
});

describe('a sticky split', () => {
  const entity = (index: number) => `entity-${index}`;
  const rules: Readonly<
    Record<
      string,
      { sticky: Sticky; request: (index: number) => { headers?: Record<string, string>; body?: string | Uint8Array } }
    >
  > = {
    'by a header': {
      sticky: { by: 'header', name: 'x-entity-id', salt: 's' },
      request: (index) => ({ headers: { 'x-entity-id': entity(index) } }),
    },
    'by a field of the body': {
      sticky: { by: 'bodyField', path: ['parameters', 'user'], salt: 's' },
      request: (index) => ({ body: JSON.stringify({ parameters: { user: entity(index) }, inputs: [] }) }),
    },
    'by an element of a tensor': {
      sticky: { by: 'tensor', name: 'id', salt: 's' },
      request: (index) => ({
        body: JSON.stringify({ inputs: [{ name: 'id', shape: [1], datatype: 'BYTES', data: [entity(index)] }] }),
      }),
    },
    'by an element of a tensor that comes as bytes': {
      sticky: { by: 'tensor', name: 'id', salt: 's' },
      request: (index) => {
        const text = Buffer.from(entity(index));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        const input = { name: 'id', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: text.length + 4 } };
        const json = Buffer.from(JSON.stringify({ inputs: [input] }));
        return {
          headers: { 'inference-header-content-length': String(json.length) },
          body: Buffer.concat([json, length, text]),
        };
      },
    },
  };

  it.each(Object.entries(rules))(
    '%s: who was on the new version stays while its weight grows',
    async (_, { sticky, request }) => {
      const before: Set<number>[] = [];
      for (const weight of [0, 10, 40, 100]) {
        split(weight, sticky);
        const answers = await whoAnswers(40, request);
        before.push(new Set(answers.flatMap((who, index) => (who === 'next' ? [index] : []))));
      }

      const [none, few, more, all] = before as [Set<number>, Set<number>, Set<number>, Set<number>];
      expect([none.size, all.size]).toEqual([0, 40]);
      expect([...few].filter((index) => !more.has(index))).toEqual([]);
      expect(more.size).toBeGreaterThan(few.size);
    },
  );

  it('gives the same entity to the same version, however it is said', async () => {
    const of = async (name: string) => {
      const { sticky, request } = rules[name] as (typeof rules)[string];
      split(50, sticky);
      return whoAnswers(20, request);
    };

    // One after the other: they share the route.
    const byHeader = await of('by a header');

    expect(await of('by a field of the body')).toEqual(byHeader);
    expect(await of('by an element of a tensor')).toEqual(byHeader);
  });

  it('hands the body on as it came', async () => {
    split(0, { by: 'tensor', name: 'x', salt: 's' });
    await whoAnswers(1, () => ({ body: row(2, 3) }));

    expect(stable.seen.at(-1)?.body()).toBe(row(2, 3));
  });

  it('is refused in words where the body is too large to be looked at', async () => {
    split(50, { by: 'tensor', name: 'x', salt: 's' });

    const answer = await ask({ port: gateway.port, path: INFER, body: 'x'.repeat(2 * 1024 * 1024) });

    expect(answer.status).toBe(413);
    expect(answer.body).toContain('at most 1048576 bytes');
  });

  it('goes by chance where the body is none that can be read, and the server says so', async () => {
    split(0, { by: 'bodyField', path: ['id'], salt: 's' });

    expect(await whoAnswers(1, () => ({ body: '{"id": {"__proto__":' }))).toEqual(['stable']);
  });
});

describe('a mirror', () => {
  it('gets copies that are as the request was, and marked, and nobody gets what it answers', async () => {
    const before = next.seen.length;
    gateway.table.set(
      aRoute([stable.backend('flights-1', 100), next.backend('flights-2', 0)], {
        mirrors: [{ backend: next.backend('flights-2', 0), percent: 100 }],
      }),
    );

    const answer = await ask({
      port: gateway.port,
      path: `${INFER}?a=1`,
      body: row(2, 3),
      headers: { 'x-request-id': 'r-9' },
    });

    expect(answer.body).toBe('stable');
    await eventually(() => next.seen.length).toBe(before + 1);
    const copy = next.seen[before];
    await eventually(() => copy?.body()).toBe(row(2, 3));
    expect([copy?.method, copy?.path]).toEqual(['POST', `${INFER}?a=1`]);
    expect(copy?.rawHeaders).toEqual(expect.arrayContaining(['x-request-id', 'r-9', 'x-slipway-mirrored', '1']));
    expect(await gateway.metric('mirrored_total')).toBe(1);
  });

  it('that hangs neither slows nor fails a request: copies beyond those that hang are dropped', async () => {
    const hanging = await startOddPod(() => {});
    gateway.table.set(
      aRoute([stable.backend('flights-1', 100), hanging.backend('flights-3', 0)], {
        mirrors: [{ backend: hanging.backend('flights-3', 0), percent: 100 }],
      }),
    );

    const statuses: number[] = [];
    for (let round = 0; round < 30; round += 1) {
      const answers = Array.from({ length: 10 }, () => ask({ port: gateway.port, path: INFER, body: row(2, 3) }));
      for (const { status } of await Promise.all(answers)) statuses.push(status);
    }

    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(statuses).toHaveLength(300);
    await eventually(() => gateway.metric('mirrored_dropped_total', { revision: 'flights-3' })).toBeGreaterThan(100);
    await hanging.stop();
  });

  it('without pods costs nothing but a count', async () => {
    const gone = stable.backend('flights-4', 0);
    gone.pool.update([]);
    gateway.table.set(aRoute([stable.backend('flights-1', 100), gone], { mirrors: [{ backend: gone, percent: 100 }] }));

    expect((await ask({ port: gateway.port, path: INFER, body: row(2, 3) })).status).toBe(200);
    await eventually(() => gateway.metric('mirrored_dropped_total', { revision: 'flights-4' })).toBe(1);
  });
});
