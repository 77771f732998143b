/** The engine with real models in real instances. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Tensor } from '../protocol/datatypes.ts';
import { addModel, identityModel, lookupModel, productModel, sharedSumModel } from '../testing/onnx-model.ts';
import { QUIET_EVENTS } from '../testing/quiet-events.ts';
import { createEngine } from './engine.ts';
import type { Engine } from './engine.ts';
import type { GivenSettings } from './settings.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-engine-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

async function startEngine(
  settings: GivenSettings = {},
  memoryBudget?: number,
): Promise<{ engine: Engine; happened: string[] }> {
  const happened: string[] = [];
  const engine = createEngine(
    { root, settings, memoryBudget },
    {
      ...QUIET_EVENTS,
      loaded: ({ name, version }) => happened.push(`loaded ${name} ${version}`),
      unusable: (model, reason) => happened.push(`unusable ${model}: ${reason}`),
      evicted: ({ name }) => happened.push(`evicted ${name}`),
      instanceLost: ({ name }) => happened.push(`lost ${name}`),
    },
  );
  onTestFinished(() => engine.close());
  await engine.start();
  return { engine, happened };
}

const pair = (a: number, b: number): Tensor => ({
  name: 'x',
  datatype: 'FP32',
  shape: [1, 2],
  data: Float32Array.of(a, b),
});
const sum = async (engine: Engine, a: number, b: number, model = 'add'): Promise<number> => {
  const outputs = await engine.model(model, undefined).infer({ inputs: [pair(a, b)], outputs: ['sum'] });
  return Number(outputs[0]?.data[0]);
};
const lookUp = (engine: Engine, index: bigint, more: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  engine.model('table', undefined).infer({
    inputs: [{ name: 'index', datatype: 'INT64', shape: [1], data: BigInt64Array.of(index) }],
    outputs: ['row'],
    ...more,
  });
/** Keeps an instance busy for about a second. */
const work = (engine: Engine, size = 3_000, timeoutMs?: number) => {
  const matrix = (name: string): Tensor => ({
    name,
    datatype: 'FP32',
    shape: [size, size],
    data: new Float32Array(size * size),
  });
  return engine.model('product', undefined).infer({ inputs: [matrix('a'), matrix('b')], outputs: ['c'], timeoutMs });
};

describe('requests that come together', () => {
  it('run together, and each gets its own rows', async () => {
    put({ 'add/1/model.onnx': addModel() });
    const { engine } = await startEngine();

    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => sum(engine, index, 1)));

    expect(answers).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(engine.model('add', '1').statistics).toMatchObject({ rows: 50, executions: 1 });
  });

  it('get their own rows while many batches are on their way', async () => {
    put({ 'add/1/model.onnx': addModel(), 'add/config.yaml': '{maxBatchRows: 8, instances: 2}' });
    const { engine } = await startEngine();
    const answers: Promise<number>[] = [];
    for (let index = 0; index < 3_000; index += 1) {
      answers.push(sum(engine, index, 2));
      if (index % 37 === 0) await new Promise((resolve) => setImmediate(resolve));
    }

    expect(await Promise.all(answers)).toEqual(answers.map((_, index) => index + 2));
  });

  it('run alone where a row depends on the rows beside it', async () => {
    put({ 'shared/1/model.onnx': sharedSumModel() });
    const { engine } = await startEngine();
    const ask = (value: number) =>
      engine.model('shared', undefined).infer({
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: Float32Array.of(value) }],
        outputs: ['total'],
      });

    const answers = await Promise.all([ask(1), ask(2)]);

    expect(answers.map((outputs) => outputs[0]?.data[0])).toEqual([2, 4]);
    expect(engine.model('shared', '1').batchRows).toBe(1);
  });

  it('do not mix when a row of one is longer than that of another', async () => {
    put({ 'same/1/model.onnx': identityModel('FP32', ['n', 'm']), 'same/config.yaml': 'maxBatchRows: 8' });
    const { engine } = await startEngine();
    const ask = (...values: number[]) =>
      engine.model('same', undefined).infer({
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, values.length], data: Float32Array.from(values) }],
        outputs: ['y'],
      });

    const answers = await Promise.all([ask(1, 2), ask(3, 4, 5), ask(6, 7)]);

    expect(answers.map(([output]) => [...(output?.data ?? [])])).toEqual([
      [1, 2],
      [3, 4, 5],
      [6, 7],
    ]);
    expect(engine.model('same', '1').statistics.executions).toBe(2);
  });

  it('leave the memory alone that a tensor shares with others', async () => {
    put({ 'add/1/model.onnx': addModel() });
    const { engine } = await startEngine();
    const memory = Float32Array.of(1, 2, 3, 4);
    const ask = (first: number) =>
      engine.model('add', undefined).infer({
        inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: memory.subarray(first, first + 2) }],
        outputs: ['sum'],
      });

    const alone = await ask(0);
    const together = await Promise.all([ask(0), ask(2)]);

    expect([alone, ...together].map(([output]) => output?.data[0])).toEqual([3, 3, 7]);
  });

  it('do not fail for one of them', async () => {
    put({ 'table/1/model.onnx': lookupModel(), 'table/config.yaml': 'maxBatchRows: 8' });
    const { engine } = await startEngine();

    const answers = await Promise.allSettled([lookUp(engine, 0n), lookUp(engine, 99n), lookUp(engine, 3n)]);

    expect(answers).toMatchObject([
      { value: [{ data: { 0: 10 } }] },
      { reason: { code: 'InvalidArgument', message: expect.stringContaining('could not run on these inputs') } },
      { value: [{ data: { 0: 13 } }] },
    ]);
  });
});

describe('a request that nobody waits for', () => {
  it('fails after the time that the model allows', async () => {
    put({ 'product/1/model.onnx': productModel(), 'product/config.yaml': 'timeoutSeconds: 0.1' });
    const { engine } = await startEngine();

    const outcomes = await Promise.allSettled([work(engine), work(engine, 10)]);

    const late = { code: 'DeadlineExceeded', message: expect.stringContaining('100 ms') };
    expect(outcomes).toEqual([1, 2].map(() => ({ status: 'rejected', reason: expect.objectContaining(late) })));
  });

  it('is answered at its deadline, and does not run any more', async () => {
    put({ 'product/1/model.onnx': productModel() });
    const { engine } = await startEngine();
    const before = engine.model('product', '1').statistics.executions;
    const long = work(engine);
    const late = work(engine, 10, 20);

    await expect(late).rejects.toMatchObject({ code: 'DeadlineExceeded' });
    await long;
    expect(engine.model('product', '1').statistics.executions).toBe(before + 1);
  });

  it('leaves the queue when its client goes', async () => {
    put({ 'table/1/model.onnx': lookupModel() });
    const { engine } = await startEngine();
    const gone = new AbortController();
    const answer = lookUp(engine, 1n, { signal: gone.signal });
    gone.abort();

    await expect(answer).rejects.toMatchObject({ code: 'Cancelled' });
    expect(engine.model('table', '1').pending).toBe(0);
  });

  it('is refused at once when too many wait', async () => {
    put({ 'product/1/model.onnx': productModel(), 'product/config.yaml': 'maxQueuedRows: 10' });
    const { engine } = await startEngine();
    const answers = await Promise.allSettled([work(engine), work(engine, 8), work(engine, 8)]);

    expect(answers.at(-1)).toMatchObject({ reason: { code: 'Unavailable' } });
  });
});

describe('an instance that hangs', () => {
  it('is replaced, and the others go on', async () => {
    put({
      'product/1/model.onnx': productModel(),
      'product/config.yaml': 'isolation: process\nmaxRunSeconds: 0.2\n',
      'add/1/model.onnx': addModel(),
    });
    const { engine, happened } = await startEngine();

    await expect(work(engine)).rejects.toMatchObject({ code: 'Unavailable' });
    expect(await sum(engine, 1, 2)).toBe(3);
    expect(happened).toContain('lost product');
    await expect.poll(() => engine.obstacle(), { timeout: 10_000 }).toBeUndefined();
    expect(await work(engine, 4)).toMatchObject([{ shape: [4, 4] }]);
  });
});

describe('models that come and go', () => {
  it('are exchanged without a failed request, and the old one goes on while the new one is broken', async () => {
    put({ 'add/1/model.onnx': addModel() });
    const { engine } = await startEngine();
    let isOver = false;
    const asking = (async () => {
      let answered = 0;
      for (; !isOver; answered += 1) expect(await sum(engine, answered, 1)).toBe(answered + 1);
      return answered;
    })();

    put({ 'add/2/model.onnx': addModel() });
    await engine.load('add');
    put({ 'add/3/model.onnx': 'broken' });
    await expect(engine.load('add')).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringContaining('version 3: the file is no ONNX model'),
    });
    isOver = true;

    expect(await asking).toBeGreaterThan(10);
    expect(engine.metadata('add', undefined).versions).toEqual(['1', '2']);
    expect(engine.obstacle()).toBeUndefined();
  });

  it('are listed, loaded or not', async () => {
    put({ 'add/1/model.onnx': addModel(), 'broken/1/model.onnx': 'broken' });
    const { engine } = await startEngine();
    await engine.unload('add');

    expect(() => engine.model('add', undefined)).toThrow('there is no model "add"');
    expect(() => engine.model('broken', undefined)).toThrow(
      expect.objectContaining({
        code: 'Unavailable',
        message: expect.stringMatching(/^model "broken" is not served: version 1: .*no ONNX model/),
      }),
    );
    expect(engine.index()).toEqual([
      { name: 'add', version: '', state: 'UNAVAILABLE', reason: 'it is not loaded' },
      { name: 'broken', version: '', state: 'UNAVAILABLE', reason: expect.stringContaining('no ONNX model') },
    ]);
    await engine.unload('broken');
    expect(engine.obstacle()).toBeUndefined();
    await expect(engine.unload('add')).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('make room for each other, and are loaded again when they are asked', async () => {
    put({ 'one/1/model.onnx': addModel(), 'two/1/model.onnx': addModel() });
    const { engine, happened } = await startEngine({}, 30 * 1024 * 1024);

    expect(engine.obstacle()).toBeUndefined();
    expect(await Promise.all([sum(engine, 1, 1, 'one'), sum(engine, 2, 2, 'one')])).toEqual([2, 4]);
    expect(happened).toEqual(['loaded one 1', 'evicted one', 'loaded two 1', 'evicted two', 'loaded one 1']);
  });
});

describe('settings', () => {
  it.each([
    ['a name that is none', 'instance: 2', 'config.yaml: Unrecognized key: "instance"; there are instances, threads,'],
    ['a value that does not fit', 'instances: 0', 'config.yaml: instances:'],
    ['no YAML', 'a: [', 'config.yaml is not valid YAML'],
    ['a list', '[1]', 'config.yaml must hold names and values'],
    ['a warm-up that fails', 'warmUp: [{index: {shape: [1], data: [9]}}]', 'could not answer a warm-up request'],
    ['a warm-up without an input', 'warmUp: [{}]', 'has no input "index"'],
    ['a device that is not there', 'device: cuda', 'device cuda, and its libraries cannot be loaded here'],
  ])('say what is wrong with %s', async (_, text, message) => {
    put({ 'table/1/model.onnx': lookupModel(), 'table/config.yaml': text });
    const { engine } = await startEngine();

    expect(engine.obstacle()).toContain(message);
  });

  it('of a model win over those of all', async () => {
    put({ 'add/1/model.onnx': addModel(), 'add/config.yaml': 'cacheBytes: 1000' });
    const { engine } = await startEngine({ maxBatchRows: 7 });

    expect([await sum(engine, 1, 1), await sum(engine, 1, 1)]).toEqual([2, 2]);
    expect(engine.model('add', '1')).toMatchObject({ batchRows: 7, statistics: { executions: 1 } });
    expect(engine.model('add', '1').statistics.cacheHit.count).toBe(1);
  });
});

describe.runIf(process.platform === 'linux')('the thread of an instance', () => {
  it('comes after the one that answers the network', async () => {
    put({ 'add/1/model.onnx': addModel() });
    await startEngine();

    expect(threadPriorities()).toContain(Math.min(19, getPriority() + 5));
  });
});

/** The nice values of all threads of this process: field 19 of proc_pid_stat(5). */
function threadPriorities(): number[] {
  return readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}
