/** Models that run on the thread that answers the network, with the engine around them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { addModel, identityModel, pickyModel, productModel, sharedSumModel } from '../testing/onnx-model.ts';
import { QUIET_EVENTS } from '../testing/quiet-events.ts';
import { createEngine } from './engine.ts';
import type { Engine } from './engine.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-here-'));
  return () => rmSync(root, { recursive: true });
});

async function serve(model: Uint8Array, settings: object = { isolation: 'none' }): Promise<Engine> {
  const path = join(root, 'model/1/model.onnx');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, model);
  writeFileSync(join(root, 'model/config.yaml'), JSON.stringify(settings));
  const engine = createEngine({ root, settings: {}, memoryBudget: undefined }, QUIET_EVENTS);
  onTestFinished(() => engine.close());
  await engine.start();
  return engine;
}

const numbers = (rows: number) => Float32Array.from({ length: 2 * rows }, (_, index) => index);
const sums = async (engine: Engine, rows: number): Promise<number[]> => {
  const x = { name: 'x', datatype: 'FP32', shape: [rows, 2], data: numbers(rows) } as const;
  const [answer] = await engine.model('model', undefined).infer({ inputs: [x], outputs: ['sum'] });
  expect(answer?.shape).toEqual([rows, 1]);
  return Array.from(answer?.data as Float32Array);
};
const expectedSums = (rows: number) => Array.from({ length: rows }, (_, row) => 4 * row + 1);

describe('a model with isolation: none', () => {
  it('answers, and requests that come together share a run', async () => {
    const engine = await serve(addModel());

    const answers = await Promise.all(Array.from({ length: 40 }, () => sums(engine, 1)));

    expect(answers).toEqual(Array.from({ length: 40 }, () => expectedSums(1)));
    expect(engine.model('model', '1').statistics).toMatchObject({ rows: 40, executions: 1 });
  });

  it('lets others have their turn while many rows of one request run', async () => {
    const engine = await serve(addModel());
    let turns = 0;
    const others = setInterval(() => (turns += 1), 0);
    onTestFinished(() => clearInterval(others));

    expect(await sums(engine, 100_000)).toEqual(expectedSums(100_000));
    expect(turns).toBeGreaterThan(5);
  });

  it('can be given up, and loaded again', async () => {
    const engine = await serve(addModel());
    await engine.unload('model');
    await engine.load('model');

    expect(await sums(engine, 3)).toEqual(expectedSums(3));
  });

  it('fails a request whose inputs have different numbers of rows', async () => {
    const engine = await serve(pickyModel(), { isolation: 'none' });
    const input = (name: string, rows: number) =>
      ({ name, datatype: 'FP32', shape: [rows], data: new Float32Array(rows) }) as const;
    const answer = engine
      .model('model', undefined)
      .infer({ inputs: [input('a', 1), input('b', 1_000)], outputs: ['c'] });

    await expect(answer).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});

describe('isolation: none is refused', () => {
  const half = identityModel('FP16');
  const cases = [
    ['a model with a size that is left open', identityModel('FP32', ['n', 'm']), 'has a size that is left open'],
    ['a model whose rows depend on each other', sharedSumModel(), 'depends on the rows beside it'],
    ['a model that takes long', productModel(1_024), 'ms, and may take 1'],
    ['a model of halves', half, 'FP16'],
  ] as const;

  it.each(cases)('for %s', async (_, model, reason) => {
    const engine = await serve(model);

    expect(engine.obstacle()).toContain(reason);
    expect(engine.obstacle()).toContain('set isolation: thread');
  });

  it('with more than one instance', async () => {
    const engine = await serve(addModel(), { isolation: 'none', instances: 2 });

    expect(engine.obstacle()).toContain('leave it out with isolation: none');
  });
});
