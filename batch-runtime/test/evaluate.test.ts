import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EvaluateResult } from '@slipway/crds/batch';
import { digestOf } from '@slipway/crds/digest';
import { describe, expect, it } from 'vitest';
import { areaByPairs } from './brute-force-auc.ts';
import { graphModel } from './onnx-model.ts';
import type { Graph, GraphValue } from './onnx-model.ts';
import { readParquet } from './read-parquet.ts';
import { datasetRequest, flightRows } from './requests.ts';
import { makeStore, runCommand } from './run-command.ts';
import type { Outcome } from './run-command.ts';
import { writeDataset } from './write-dataset.ts';
import type { DatasetColumn } from './write-dataset.ts';

const FLOAT_LIST: Omit<GraphValue, 'name'> = { type: 'Float32', shape: ['n'] };

/** Answers with its input: a column of the dataset becomes the prediction. */
function echoModel(column: string): Uint8Array {
  return graphModel({
    inputs: [{ name: column, ...FLOAT_LIST }],
    outputs: [{ name: 'y', ...FLOAT_LIST }],
    nodes: [{ operator: 'Identity', inputs: [column], outputs: ['y'] }],
  });
}

/** y = x · weights for the matrix x. */
function weightedModel(weights: readonly number[], metadata: Graph['metadata'] = {}): Uint8Array {
  return graphModel({
    inputs: [{ name: 'x', type: 'Float32', shape: ['n', weights.length] }],
    outputs: [{ name: 'y', type: 'Float32', shape: ['n', 1] }],
    nodes: [{ operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
    constants: [{ name: 'w', shape: [weights.length, 1], values: weights }],
    metadata,
  });
}

/** As exporters of scikit-learn write classifiers: a label and the probabilities, here of logits that are columns. */
function classifier(columns: number): Uint8Array {
  return graphModel({
    inputs: [{ name: 'x', type: 'Float32', shape: ['n', columns] }],
    outputs: [
      { name: 'label', type: 'Int64', shape: ['n'] },
      { name: 'scores', type: 'Float32', shape: ['n', 'k'] },
      { name: 'probabilities', type: 'Float32', shape: ['n', 'k'] },
    ],
    nodes: [
      { operator: 'Identity', inputs: ['x'], outputs: ['scores'] },
      { operator: 'Softmax', inputs: ['x'], outputs: ['probabilities'], attributes: { axis: 1 } },
      { operator: 'ArgMax', inputs: ['x'], outputs: ['label'], attributes: { axis: 1, keepdims: 0 } },
    ],
  });
}

/** y = a + b + c of inputs of several types and shapes that are called as columns. */
function namedModel(): Uint8Array {
  const inputs: GraphValue[] = [
    { name: 'a', type: 'Float64', shape: ['n'] },
    { name: 'b', type: 'Int64', shape: ['n', 1] },
    { name: 'c', type: 'Bool', shape: ['n'] },
  ];
  return graphModel({
    inputs,
    outputs: [{ name: 'y', type: 'Float64', shape: ['n'] }],
    nodes: [
      { operator: 'Cast', inputs: ['b'], outputs: ['b64'], attributes: { to: 11 } },
      { operator: 'Cast', inputs: ['c'], outputs: ['c64'], attributes: { to: 11 } },
      { operator: 'Flatten', inputs: ['b64'], outputs: ['column'], attributes: { axis: 1 } },
      { operator: 'ReduceSum', inputs: ['column', 'axis'], outputs: ['list'], attributes: { keepdims: 0 } },
      { operator: 'Add', inputs: ['a', 'list'], outputs: ['ab'] },
      { operator: 'Add', inputs: ['ab', 'c64'], outputs: ['y'] },
      { operator: 'Cast', inputs: ['one'], outputs: ['axis'], attributes: { to: 7 } },
    ],
    constants: [{ name: 'one', shape: [1], values: [1] }],
  });
}

/** A probability with ties, a worse one, and a label that they tell something of. */
const RISK = '((i * 7919) % 101) / 101.0::DOUBLE';
const COLUMNS: readonly DatasetColumn[] = [
  { name: 'origin', role: 'key', sql: `CASE WHEN i % 2 = 0 THEN 'EWR' ELSE 'JFK' END` },
  { name: 'at', role: 'time', sql: `TIMESTAMPTZ '2013-01-01 00:00:00+00' + to_minutes(i::INT)` },
  { name: 'flight', role: 'request', sql: `'UA' || i` },
  { name: 'risk', role: 'request', sql: `(${RISK})::FLOAT` },
  { name: 'coarse', role: 'feature', sql: `(round(${RISK} * 4) / 4)::FLOAT` },
  { name: 'late', role: 'label', sql: `(((i * 31) % 100) / 100.0 < ${RISK})::INTEGER` },
];

interface Evaluated extends Outcome {
  readonly store: string;
  readonly digests: Readonly<Record<string, string>>;
}

interface Setup {
  readonly columns?: readonly DatasetColumn[];
  readonly rows?: Parameters<typeof writeDataset>[2];
  readonly request?: Readonly<Record<string, unknown>>;
  /** Changes what lies in the Store before the command runs. */
  readonly change?: (store: string) => void;
}

const DATASET = 'datasets/flights/sha256-1';

/** Scores models, by name, on the split Test of a dataset of a few rows. */
async function evaluate(models: Readonly<Record<string, Uint8Array>>, setup: Setup = {}): Promise<Evaluated> {
  const { columns = COLUMNS, rows = { validation: 50, test: 500 }, request = {}, change = () => {} } = setup;
  const store = makeStore(
    Object.fromEntries(Object.entries(models).map(([name, model]) => [`models/${name}/model.onnx`, model])),
  );
  await writeDataset(join(store, DATASET), columns, rows);
  const digests: Record<string, string> = {};
  for (const name of Object.keys(models)) digests[name] = (await digestOf(join(store, 'models', name))).digest;
  change(store);
  const dataset = join(store, DATASET);
  const outcome = await runCommand('evaluate', {
    datasetDir: dataset,
    datasetDigest: existsSync(dataset) ? (await digestOf(dataset)).digest : `sha256:${'0'.repeat(64)}`,
    split: 'Test',
    metrics: ['Auc'],
    models: Object.entries(digests).map(([name, digest]) => ({
      name,
      dir: join(store, 'models', name),
      digest,
      format: 'Onnx',
    })),
    outputDir: join(store, 'evaluations/1'),
    ...request,
  });
  return { store, digests, ...outcome };
}

function readReport(store: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(store, 'evaluations/1/result.json'), 'utf8')) as Record<string, unknown>;
}

function metricsOf(outcome: Outcome): (Record<string, number> | undefined)[] {
  expect(outcome.code, outcome.log).toBe(0);
  return EvaluateResult.parse(outcome.result).models.map(({ metrics }) => metrics);
}

describe('evaluate', { timeout: 600_000 }, () => {
  it('scores a version and its champion on the same rows, over many batches', async () => {
    const models = { 'flights-2': echoModel('risk'), 'flights-1': echoModel('coarse') };
    const request = { metrics: ['Auc', 'Accuracy', 'LogLoss', 'Brier', 'F1'] };
    const outcome = await evaluate(models, { rows: { validation: 10, test: 3000 }, request });
    const metrics = metricsOf(outcome);
    const rows = await readParquet(join(outcome.store, DATASET, 'test/part-0.parquet'), 'risk, coarse, late');
    const labels = rows.map(({ late }) => Number(late));
    for (const [place, column] of ['risk', 'coarse'].entries()) {
      const scores = rows.map((row) => Number(row[column]));
      const right = scores.filter((score, row) => (score > 0.5 ? 1 : 0) === labels[row]).length;
      expect(metrics[place]?.['test.auc'], column).toBeCloseTo(areaByPairs(labels, scores), 12);
      expect(metrics[place]?.['test.accuracy'], column).toBeCloseTo(right / 3000, 12);
      const squares = scores.map((score, row) => (score - (labels[row] ?? 0)) ** 2);
      expect(metrics[place]?.['test.brier'], column).toBeCloseTo(squares.reduce((a, b) => a + b) / 3000, 10);
    }
    expect(outcome.result).toMatchObject({
      rows: 3000,
      models: [
        { name: 'flights-2', digest: outcome.digests['flights-2'] },
        { name: 'flights-1', digest: outcome.digests['flights-1'] },
      ],
      warnings: [],
    });
    const ones = labels.filter((label) => label === 1).length;
    const [first] = readReport(outcome.store)['models'] as Record<string, unknown>[];
    expect(first).toMatchObject({
      inputs: { risk: ['risk'] },
      output: 'y',
      metrics: { 'test.auc': { counts: { rowsOfClass1: ones, rowsOfClass0: 3000 - ones } } },
      classes: [
        { class: 0, labelled: 3000 - ones },
        { class: 1, labelled: ones },
      ],
    });
    const confusion = first?.['confusion'] as number[][];
    expect(confusion.map((line) => line.reduce((a, b) => a + b))).toEqual([3000 - ones, ones]);
  });

  it('sets a champion aside that does not fit the rows, or breaks on them, and says why', async () => {
    const cases: [Uint8Array, string][] = [
      [echoModel('gone'), 'gone'],
      [weightedModel([1, 2, 3, 4, 5, 6, 7]), 'champion'],
      [echoModel('origin'), 'origin'],
    ];
    for (const [champion, why] of cases) {
      const { code, result } = await evaluate({ candidate: echoModel('risk'), champion });

      expect(code).toBe(0);
      expect(EvaluateResult.parse(result).models).toMatchObject([
        { name: 'candidate', metrics: { 'test.auc': expect.any(Number) } },
        { name: 'champion', metrics: {}, problem: expect.stringContaining(why) },
      ]);
    }
    const { code, result } = await evaluate({ candidate: echoModel('gone'), champion: echoModel('risk') });
    expect([code, result]).toMatchObject([3, { reason: 'SignatureMismatch' }]);
  });

  it('scores what build-dataset wrote', async () => {
    const store = makeStore({ 'flights.csv': flightRows(), 'm/model.onnx': echoModel('risk') });
    const sql = 'SELECT *, (distance / 1000)::DOUBLE AS risk FROM source';
    const built = await runCommand('build-dataset', datasetRequest(store, { sql, request: ['distance', 'risk'] }));
    expect(built.code, built.log).toBe(0);
    const datasetDir = join(store, 'datasets/flights', String(built.result?.['digest']).replace(':', '-'));
    const { digest } = await digestOf(join(store, 'm'));
    const request = {
      datasetDir,
      datasetDigest: built.result?.['digest'],
      split: 'Validation',
      metrics: ['Auc'],
      models: [{ name: 'm', dir: join(store, 'm'), digest, format: 'Onnx' }],
      outputDir: join(store, 'evaluations/1'),
    };
    const outcome = await runCommand('evaluate', request);
    const rows = await readParquet(join(datasetDir, 'validation/part-0.parquet'), 'risk::FLOAT AS risk, late');
    const area = areaByPairs(
      rows.map(({ late }) => Number(late)),
      rows.map(({ risk }) => Number(risk)),
    );
    expect(metricsOf(outcome)).toEqual([{ 'validation.auc': expect.closeTo(area, 12) }]);
    expect(outcome.result).toMatchObject({ rows: 96 });
    const again = await runCommand('evaluate', request);
    expect(again.result).toEqual(outcome.result);
  });

  const abc: readonly DatasetColumn[] = [
    { name: 'c', role: 'feature', sql: 'i % 3' },
    { name: 'word', role: 'request', sql: `'w' || i` },
    { name: 'a', role: 'request', sql: '(i % 7)::FLOAT' },
    { name: 'b', role: 'feature', sql: 'i % 2 = 0' },
    { name: 'label', role: 'label', sql: '100 * (i % 3) + 10 * (i % 7) + (i % 2 = 0)::INT' },
  ];
  const errors = { request: { metrics: ['RootMeanSquaredError', 'MeanAbsoluteError', 'R2'] } };
  const noError = { 'test.root_mean_squared_error': 0, 'test.mean_absolute_error': 0, 'test.r2': 1 };

  it('gives a matrix the request columns and features that are numbers, in the order of schema.json', async () => {
    const outcome = await evaluate({ m: weightedModel([100, 10, 1]) }, { columns: abc, ...errors });
    expect(metricsOf(outcome)).toEqual([noError]);
    expect(readReport(outcome.store)).toMatchObject({ models: [{ inputs: { x: ['c', 'a', 'b'] } }] });
  });

  it("gives a matrix the columns that the model's metadata names, and its number for what is missing", async () => {
    const columns = abc.map((column) => {
      if (column.name === 'a') return { ...column, sql: 'CASE WHEN i % 5 = 0 THEN NULL ELSE i % 7 END' };
      if (column.name !== 'label') return column;
      return { ...column, sql: '100 * (i % 3) + 10 * (CASE WHEN i % 5 = 0 THEN -999 ELSE i % 7 END)' };
    });
    const model = weightedModel([10, 100], { features: '["a", "c"]', missing: '-999.0' });
    const outcome = await evaluate({ m: model }, { columns, ...errors });
    expect(metricsOf(outcome)).toEqual([noError]);
  });

  it('gives inputs of other shapes and types the columns of their names', async () => {
    const columns = abc.map((column) =>
      column.name === 'label' ? { ...column, sql: '(i % 7) + (i % 2) + (i % 3 = 0)::INT' } : column,
    );
    const renamed: Record<string, string> = { b: 'c', c: 'b' };
    const swapped = columns.map((column) => ({ ...column, name: renamed[column.name] ?? column.name }));
    const typed = swapped.map((column) => {
      if (column.name === 'b') return { ...column, sql: 'i % 2' };
      return column.name === 'c' ? { ...column, sql: 'i % 3 = 0' } : column;
    });
    expect(metricsOf(await evaluate({ m: namedModel() }, { columns: typed, ...errors }))).toEqual([noError]);
  });

  it('sends NaN for a missing float', async () => {
    const columns = COLUMNS.map((column) =>
      column.name === 'risk' ? { ...column, sql: 'CASE WHEN i = 3 THEN NULL ELSE 0.5::FLOAT END' } : column,
    );
    const { result, log } = await evaluate({ m: echoModel('risk') }, { columns });
    expect(result, log).toMatchObject({ reason: 'PredictionInvalid', message: expect.stringMatching(/NaN.*row 3/) });
  });

  it('takes the probabilities of a classifier that has a label and scores too, of three classes', async () => {
    const columns: readonly DatasetColumn[] = [
      ...['p', 'q', 'r'].map((name, place) => ({
        name,
        role: 'feature' as const,
        sql: `CASE WHEN (i * 7) % 3 = ${place} THEN 2 ELSE 0 END`,
      })),
      { name: 'kind', role: 'label', sql: 'CASE WHEN i % 4 = 0 THEN 0 ELSE (i * 7) % 3 END' },
    ];
    const request = { metrics: ['Accuracy', 'LogLoss', 'F1', 'Brier'] };
    const outcome = await evaluate({ m: classifier(3) }, { columns, rows: { test: 1200 }, request });
    // A quarter has the label 0, of which a third is predicted so.
    const hit = Math.exp(2) / (Math.exp(2) + 2);
    const miss = 1 / (Math.exp(2) + 2);
    const right = 3 / 4 + 1 / 12;
    expect(metricsOf(outcome)).toEqual([
      {
        'test.accuracy': expect.closeTo(right, 12),
        'test.log_loss': expect.closeTo(-right * Math.log(hit) - (1 - right) * Math.log(miss), 6),
        'test.f1': expect.closeTo(((2 * 400) / (600 + 400) + 2 * ((2 * 300) / (300 + 400))) / 3, 12),
        'test.brier': expect.closeTo(
          right * ((1 - hit) ** 2 + 2 * miss ** 2) + (1 - right) * ((1 - miss) ** 2 + hit ** 2 + miss ** 2),
          6,
        ),
      },
    ]);
    const [first] = readReport(outcome.store)['models'] as Record<string, unknown>[];
    expect(first?.['confusion']).toEqual([
      [400, 100, 100],
      [0, 300, 0],
      [0, 0, 300],
    ]);
  });

  it('leaves out a metric that is not defined on the rows, says why once, and measures the others', async () => {
    const columns = COLUMNS.map((column) => (column.name === 'late' ? { ...column, sql: '0' } : column));
    const models = { one: echoModel('risk'), two: echoModel('coarse') };
    const outcome = await evaluate(models, { columns, request: { metrics: ['Auc', 'Accuracy'] } });
    expect(metricsOf(outcome).map((metrics) => Object.keys(metrics ?? {}))).toEqual([
      ['test.accuracy'],
      ['test.accuracy'],
    ]);
    expect(outcome.result?.['warnings']).toEqual(['test.auc is not defined, because all rows have the label 0']);
  });

  it('tells a result of as much as it may be asked for within the limit', async () => {
    const names = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(63));
    const models = Object.fromEntries(names.map((name) => [name, echoModel('risk')]));
    const request = { split: 'Validation', metrics: ['Auc', 'LogLoss', 'Accuracy', 'F1', 'Brier'] };
    const outcome = await evaluate(models, { request });
    expect(metricsOf(outcome).map((metrics) => Object.keys(metrics ?? {}).length)).toEqual([5, 5, 5, 5]);
    expect(Buffer.byteLength(JSON.stringify(outcome.result))).toBeLessThanOrEqual(2048);
  });
});

/** Changes one column of a list. */
function withColumn(name: string, change: Partial<DatasetColumn>): readonly DatasetColumn[] {
  return COLUMNS.map((column) => (column.name === name ? { ...column, ...change } : column));
}

const wholeModel = (name: string, type: GraphValue['type'] = 'Int64'): Uint8Array =>
  graphModel({
    inputs: [{ name, type, shape: ['n'] }],
    outputs: [{ name: 'y', ...FLOAT_LIST }],
    nodes: [{ operator: 'Cast', inputs: [name], outputs: ['y'], attributes: { to: 1 } }],
  });

/** Fails when it runs: it looks up a row that its table does not have. */
const failingModel = graphModel({
  inputs: [{ name: 'risk', ...FLOAT_LIST }],
  outputs: [{ name: 'y', ...FLOAT_LIST }],
  nodes: [
    { operator: 'Cast', inputs: ['ten'], outputs: ['index'], attributes: { to: 7 } },
    { operator: 'Gather', inputs: ['risk', 'index'], outputs: ['y'] },
  ],
  constants: [{ name: 'ten', shape: [1], values: [100_000] }],
});

describe('evaluate refuses', { timeout: 600_000 }, () => {
  it.each<[string, Uint8Array, Setup, string, RegExp]>([
    [
      'a matrix of another width',
      weightedModel([1, 2, 3]),
      {},
      'SignatureMismatch',
      /"x" \(Float32, \[-1, 3\]\).*\[-1, 2\].*risk, coarse/,
    ],
    [
      'null for a whole number',
      wholeModel('risk'),
      { columns: withColumn('risk', { sql: 'CASE WHEN i = 3000 THEN NULL ELSE 1 END' }), rows: { test: 4000 } },
      'TypeMismatch',
      /"risk" is null in row 3000/,
    ],
    ['a model that fails when it runs', failingModel, {}, 'ModelInvalid', /cannot be run/],
    [
      'a dataset without a label',
      echoModel('risk'),
      { columns: COLUMNS.filter(({ role }) => role !== 'label') },
      'ColumnNotFound',
      /role label.*risk \(request\)/,
    ],
    [
      'files without a column of the schema',
      echoModel('risk'),
      { change: (store) => addColumn(store, 'gone') },
      'ColumnNotFound',
      /gone.*risk/,
    ],
    [
      'a split without a folder',
      echoModel('risk'),
      { rows: { validation: 5 } },
      'FileNotFound',
      /sha256-1 has no folder test/,
    ],
    ['a split without rows', echoModel('risk'), { rows: { validation: 5, test: 0 } }, 'SplitEmpty', /testFrom/],
    [
      'a split without files',
      echoModel('risk'),
      { change: (store) => rmSync(join(store, DATASET, 'test/part-0.parquet')) },
      'FileNotFound',
      /test\/part-\*\.parquet/,
    ],
    [
      'files that are no Parquet',
      echoModel('risk'),
      { change: (store) => writeFileSync(join(store, DATASET, 'test/part-0.parquet'), 'text') },
      'FormatInvalid',
      /test/,
    ],
    [
      'a folder that is no dataset',
      echoModel('risk'),
      { change: (store) => rmSync(join(store, DATASET, 'schema.json')) },
      'FileNotFound',
      /schema\.json/,
    ],
    [
      'a model that is not there',
      echoModel('risk'),
      { change: (store) => rmSync(join(store, 'models/m'), { recursive: true }) },
      'FileNotFound',
      /models\/m/,
    ],
    [
      'bytes of another digest',
      echoModel('risk'),
      { change: (store) => writeFileSync(join(store, 'models/m/model.onnx'), echoModel('coarse')) },
      'DigestMismatch',
      /models\/m/,
    ],
    [
      'rows of another digest',
      echoModel('risk'),
      { request: { datasetDigest: `sha256:${'0'.repeat(64)}` } },
      'DigestMismatch',
      /datasets\/flights/,
    ],
    [
      'a dataset that is not there',
      echoModel('risk'),
      { change: (store) => rmSync(join(store, DATASET), { recursive: true }) },
      'FileNotFound',
      /datasets\/flights/,
    ],
  ])('%s', async (...[, model, setup, reason, message]) => {
    const { store, code, result, log } = await evaluate({ m: model }, setup);
    expect(result, log).toMatchObject({ ok: false, reason, message: expect.stringMatching(message) });
    expect(String(result?.['message'])).not.toMatch(/\.cc:|\.h:|onnxruntime::/);
    expect(code).toBe(3);
    expect(existsSync(join(store, 'evaluations/1/result.json'))).toBe(false);
  });
});

/** Says of a dataset that it has one column more. */
function addColumn(store: string, name: string): void {
  const file = join(store, DATASET, 'schema.json');
  const { columns } = JSON.parse(readFileSync(file, 'utf8')) as { columns: object[] };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ columns: [...columns, { name, type: 'INTEGER', role: 'feature' }] }));
}
