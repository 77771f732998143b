import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluateRequest, EvaluateResult } from '@slipway/crds/batch';
import { digestOf } from '@slipway/crds/digest';
import { openSplit } from '../dataset/read-split.ts';
import type { SplitTable } from '../dataset/read-split.ts';
import { sqlTypeOf } from '../evaluate/elements.ts';
import type { ColumnRead } from '../evaluate/elements.ts';
import { createEvaluation } from '../evaluate/evaluation.ts';
import type { Evaluation } from '../evaluate/evaluation.ts';
import { fillInputs } from '../evaluate/fill-inputs.ts';
import type { RowBatch } from '../evaluate/fill-inputs.ts';
import { labelColumn, readLabels } from '../evaluate/labels.ts';
import { modelHints } from '../evaluate/model-hints.ts';
import { planInputs } from '../evaluate/plan-inputs.ts';
import type { InputPlan } from '../evaluate/plan-inputs.ts';
import { chooseOutput } from '../evaluate/read-answers.ts';
import { evaluateResult, fullReport } from '../evaluate/report.ts';
import type { Evaluated, UnscoredModel } from '../evaluate/report.ts';
import { taskOf } from '../evaluate/task.ts';
import { BatchError } from '../failure.ts';
import { fail } from '../files/copy.ts';
import { publishFile } from '../files/publish.ts';
import { pathInStore } from '../files/store-path.ts';
import { onnxFileOf } from '../model/find-model.ts';
import { openModel } from '../model/open-model.ts';
import { readMetadata } from '../model/read-metadata.ts';
import { startScorer } from '../model/start-scorer.ts';
import type { Scorer } from '../model/start-scorer.ts';
import { identifier } from '../tables/database.ts';
import { digestMismatch } from './fetch.ts';
import type { TableCommandOptions } from './materialise.ts';
import { verifyBytes } from './verify-model.ts';

/** Rows are streamed, so little is held of them; the rest of the container is for the models. */
const MAX_DATABASE_BYTES = 512 * 1024 ** 2;
const ROWS_BETWEEN_LOGS = 250_000;

/**
 * Scores models on the rows of one split and measures their answers. Each batch of rows goes to all models before the next one is
 * read, so that they are compared on the same rows in the same order. Only the first has to be one that can be scored.
 */
export async function evaluate(
  request: EvaluateRequest,
  { memoryLimit, log }: TableCommandOptions,
): Promise<EvaluateResult> {
  await mkdir(request.outputDir, { recursive: true }).catch((cause: unknown) => fail(cause, request.outputDir));
  taskOf(request.metrics);
  await verifyDataset(request);
  const table = await openSplit({
    datasetDir: request.datasetDir,
    split: request.split === 'Test' ? 'test' : 'validation',
    memoryLimit: Math.min(memoryLimit, MAX_DATABASE_BYTES),
  });
  const contest = createContest(request);
  try {
    const label = labelColumn(table.columns);
    for (const model of request.models) {
      await contest.attempt(model.name, async () => contest.add(await openForRows(model, { request, table })));
    }
    await scoreRows({ request, table, label, contest, log });
    const evaluated: Evaluated = {
      split: request.split,
      rows: table.rows,
      label,
      models: contest.scored().map(({ name, digest, output, missing, inputs, evaluation }) => ({
        name,
        digest,
        output,
        missing,
        inputs: Object.fromEntries(inputs.map(({ input, reads }) => [input, reads.map(({ column }) => column)])),
        report: evaluation.report(),
      })),
      unscored: contest.unscored(),
    };
    const content = `${JSON.stringify(fullReport(evaluated), undefined, 2)}\n`;
    await publishFile(join(request.outputDir, 'result.json'), content);
    return evaluateResult(evaluated);
  } finally {
    contest.close();
    await table.close();
  }
}

/** The bytes are checked before a row of them counts: a verdict names the DatasetVersion, and that has a digest. */
async function verifyDataset({ datasetDir, datasetDigest }: EvaluateRequest): Promise<void> {
  await stat(datasetDir).catch(() => {
    throw new BatchError(
      'FileNotFound',
      `There is no ${pathInStore(datasetDir)} in the Store; put the files of the dataset there, or build it again`,
    );
  });
  const { digest } = await digestOf(datasetDir);
  if (digest !== datasetDigest) throw digestMismatch(datasetDir, datasetDigest, digest);
}

interface OpenModel {
  readonly name: string;
  readonly digest: string;
  readonly inputs: readonly InputPlan[];
  readonly output: string;
  readonly missing: number;
  readonly evaluation: Evaluation;
  readonly scorer: Scorer;
}

/** The bytes are checked before anything in them is looked at. */
async function openForRows(
  model: EvaluateRequest['models'][number],
  { request, table }: { request: EvaluateRequest; table: SplitTable },
): Promise<OpenModel> {
  const { name, digest, dir } = model;
  await verifyBytes(model);
  const file = await onnxFileOf(dir);
  const signature = await openModel(file);
  const hints = modelHints(readMetadata(file));
  const inputs = planInputs({ model: name, inputs: signature.inputs, hints }, table.columns);
  const output = chooseOutput(name, signature.outputs, taskOf(request.metrics));
  const evaluation = createEvaluation(request.metrics, table.rows);
  return { name, digest, inputs, output, missing: hints.missing, evaluation, scorer: startScorer(name, file) };
}

/** The first model is what is judged, and has to be scored. Another one that cannot be is set aside, with the reason. */
interface Contest {
  add(model: OpenModel): void;
  /** In the order of the request. */
  scored(): readonly OpenModel[];
  unscored(): readonly UnscoredModel[];
  attempt(name: string, work: () => Promise<void>): Promise<void>;
  close(): void;
}

function createContest({ models }: EvaluateRequest): Contest {
  const open: OpenModel[] = [];
  const problems = new Map<string, string>();
  return {
    add: (model) => void open.push(model),
    scored: () => open.filter(({ name }) => !problems.has(name)),
    unscored: () =>
      models.flatMap(({ name, digest }) => {
        const problem = problems.get(name);
        return problem === undefined ? [] : [{ name, digest, problem }];
      }),
    attempt: async (name, work) => {
      try {
        await work();
      } catch (cause) {
        if (!(cause instanceof BatchError) || name === models[0]?.name) throw cause;
        problems.set(name, cause.message);
      }
    },
    close: () => {
      for (const { scorer } of open) scorer.close();
    },
  };
}

interface Scoring {
  readonly request: EvaluateRequest;
  readonly table: SplitTable;
  readonly label: string;
  readonly contest: Contest;
  readonly log: TableCommandOptions['log'];
}

async function scoreRows({ request, table, label, contest, log }: Scoring): Promise<void> {
  const task = taskOf(request.metrics);
  const places = placesOf([
    { column: label, as: 'number' },
    ...contest
      .scored()
      .flatMap(({ inputs }) => inputs)
      .flatMap(({ reads }) => reads),
  ]);
  let firstRow = 0;
  for await (const columns of table.batches([...places.keys()])) {
    const valuesOf = (read: ColumnRead) => columns[places.get(expression(read)) ?? -1] ?? [];
    const values = valuesOf({ column: label, as: 'number' });
    const labels = readLabels(values, { column: label, task, firstRow });
    const batch: RowBatch = { firstRow, rows: labels.length, valuesOf };
    await Promise.all(
      contest.scored().map((model) => contest.attempt(model.name, () => scoreBatch(model, batch, labels))),
    );
    const next = firstRow + labels.length;
    if (Math.floor(next / ROWS_BETWEEN_LOGS) > Math.floor(firstRow / ROWS_BETWEEN_LOGS)) log('scored', { rows: next });
    firstRow = next;
  }
  if (firstRow !== table.rows)
    throw new Error(`${firstRow} of ${table.rows} rows were read: the files changed meanwhile`);
}

/** Each expression once, with its place in the SELECT. */
function placesOf(reads: readonly ColumnRead[]): ReadonlyMap<string, number> {
  const distinct = new Set(reads.map(expression));
  return new Map([...distinct].map((sql, place) => [sql, place]));
}

function expression(read: ColumnRead): string {
  return `CAST(${identifier(read.column)} AS ${sqlTypeOf(read)})`;
}

async function scoreBatch(model: OpenModel, batch: RowBatch, labels: readonly number[]): Promise<void> {
  const { name, inputs, output, missing, evaluation, scorer } = model;
  const answer = await scorer.score({ inputs: fillInputs({ model: name, inputs, missing }, batch), output });
  evaluation.add(labels, answer, { model: name, output, firstRow: batch.firstRow, rows: batch.rows });
}
