/**
 * What the operator asks of `batch-runtime`, and what it answers: one request (JSON in the environment variable
 * `SLIPWAY_REQUEST` of a container) and one result (JSON of at most 2 KiB as the container's termination message).
 * Paths are absolute inside the container: a Store is mounted at `/stores/<name>`, the root of its volume claim.
 */
import { z } from 'zod';
import { featureColumn, featureCheck, windowSpec } from './v1alpha1/feature-set.ts';
import { digest, fileFormat, keyColumn, sqlText } from './v1alpha1/common.ts';
import { datasetLabel, datasetSplit } from './v1alpha1/dataset.ts';
import { evaluationMetric, evaluationSplit } from './v1alpha1/model.ts';
import { tensorSpec, modelFormat } from './v1alpha1/model-version.ts';

export { EXIT_BAD_INPUT, MAX_RESULT_BYTES } from './result.ts';
export { metricName } from './v1alpha1/model.ts';
export type { EvaluationMetric } from './v1alpha1/model.ts';

/** Files of one format below a mounted Store; `path` may hold `*`, `?` and `**`. */
const sourceFiles = z.strictObject({ dir: z.string(), path: z.string(), format: fileFormat });

export const MaterialiseRequest = z.strictObject({
  featureSet: z.string(),
  definition: z.string(),
  run: z.number().int(),
  source: sourceFiles,
  sql: sqlText.optional(),
  time: z.strictObject({ event: z.string(), known: z.string().optional() }),
  entities: z.array(keyColumn),
  features: z.array(featureColumn),
  checks: z.array(featureCheck),
  /** Absent before the run; a finished folder has a `manifest.json` and is never written again. */
  outputDir: z.string(),
});
export type MaterialiseRequest = z.infer<typeof MaterialiseRequest>;

export const MaterialiseResult = z.strictObject({
  ok: z.literal(true),
  /** Inside the Store's volume, relative to the mount. */
  path: z.string(),
  rows: z.number().int(),
  bytes: z.number().int(),
  digest: z.string(),
  /** The newest event time and known time of any row, RFC 3339 in UTC; absent for no rows. */
  watermark: z.strictObject({ event: z.string(), known: z.string() }).optional(),
  /** Failed checks of `onFailure: Warn`, values set to null by `onBad: SetNull`: a sentence each. */
  warnings: z.array(z.string()),
});
export type MaterialiseResult = z.infer<typeof MaterialiseResult>;

export const DatasetFeature = z.strictObject({
  featureSet: z.string(),
  /** Folder of one materialisation, holding `part-*.parquet` and `manifest.json`. */
  dir: z.string(),
  entities: z.array(keyColumn),
  /** Go duration or `Unlimited`. */
  ttl: z.string(),
  select: z.array(z.strictObject({ name: z.string(), type: z.string(), window: windowSpec.optional() })),
});

export const BuildDatasetRequest = z.strictObject({
  dataset: z.string(),
  rows: z.strictObject({
    source: sourceFiles,
    sql: sqlText.optional(),
    keys: z.array(z.string()),
    at: z.strictObject({ column: z.string(), offset: z.string() }),
    request: z.array(z.string()),
    label: datasetLabel,
  }),
  features: z.array(DatasetFeature),
  split: datasetSplit,
  /** `datasets/<name>` of the Store; the version's folder below it is named by the digest of its files. */
  outputParent: z.string(),
});
export type BuildDatasetRequest = z.infer<typeof BuildDatasetRequest>;

export const BuildDatasetResult = z.strictObject({
  ok: z.literal(true),
  path: z.string(),
  digest: z.string(),
  bytes: z.number().int(),
  rows: z.strictObject({ train: z.number().int(), validation: z.number().int(), test: z.number().int() }),
  /** Rows left out, by reason: `labelNull`, `timeNull`, `gap`, `labelKnownTooLate`. */
  dropped: z.record(z.string(), z.number().int()),
  warnings: z.array(z.string()),
});
export type BuildDatasetResult = z.infer<typeof BuildDatasetResult>;

export const PublishModelRequest = z.strictObject({
  /** What rank 0 of the attempt wrote. */
  runDir: z.string(),
  /** `models` of the Store. */
  modelsDir: z.string(),
  format: modelFormat,
});
export type PublishModelRequest = z.infer<typeof PublishModelRequest>;

const signature = z.strictObject({ inputs: z.array(tensorSpec), outputs: z.array(tensorSpec) });

export const PublishModelResult = z.strictObject({
  ok: z.literal(true),
  path: z.string(),
  digest: z.string(),
  bytes: z.number().int(),
  signature,
  metrics: z.record(z.string(), z.number()),
});
export type PublishModelResult = z.infer<typeof PublishModelResult>;

export const VerifyModelRequest = z.strictObject({ dir: z.string(), digest: z.string(), format: modelFormat });
export type VerifyModelRequest = z.infer<typeof VerifyModelRequest>;

export const VerifyModelResult = z.strictObject({
  ok: z.literal(true),
  digest: z.string(),
  bytes: z.number().int(),
  /** Of a format that we open. */
  signature: signature.optional(),
});
export type VerifyModelResult = z.infer<typeof VerifyModelResult>;

/** More would not fit into one result. */
const MAX_EVALUATED_MODELS = 4;

export const EvaluateRequest = z.strictObject({
  /** Folder of a DatasetVersion, as `build-dataset` wrote it. */
  datasetDir: z.string(),
  /** Of the DatasetVersion; its files must have it before a row of them is read. */
  datasetDigest: digest,
  split: evaluationSplit,
  /** All of them about classes (Auc, LogLoss, Accuracy, F1, Brier), or all about numbers (the others). */
  metrics: z
    .array(evaluationMetric)
    .min(1)
    .refine((metrics) => new Set(metrics).size === metrics.length, 'names a metric twice'),
  /** The new version first, then those that it is compared with, scored on the same rows. */
  models: z
    .array(z.strictObject({ name: z.string().min(1).max(63), dir: z.string(), digest, format: modelFormat }))
    .min(1)
    .max(MAX_EVALUATED_MODELS)
    .refine((models) => new Set(models.map(({ name }) => name)).size === models.length, 'names a model twice'),
  /** Gets `result.json`, which replaces one of an earlier evaluation. */
  outputDir: z.string(),
});
export type EvaluateRequest = z.infer<typeof EvaluateRequest>;

export const EvaluateResult = z.strictObject({
  ok: z.literal(true),
  /** Of the split; every model was scored on all of them. */
  rows: z.number().int(),
  /** In the order of the request, but those that could not be scored last. */
  models: z.array(
    z.strictObject({
      name: z.string(),
      digest: z.string(),
      /** By names such as `test.auc` and `validation.log_loss`; what is undefined on these rows is left out, and a warning says so. */
      metrics: z.record(z.string(), z.number()),
      /** Why it could not be scored; never of the first. */
      problem: z.string().optional(),
    }),
  ),
  warnings: z.array(z.string()),
});
export type EvaluateResult = z.infer<typeof EvaluateResult>;

export const FetchRequest = z.strictObject({
  /** Each file or folder `from` is copied to `to`; with a digest, what was copied must have it. A file goes to `to/<its name>`. */
  items: z.array(z.strictObject({ from: z.string(), to: z.string(), digest: z.string().optional() })),
});
export type FetchRequest = z.infer<typeof FetchRequest>;

export const FetchResult = z.strictObject({ ok: z.literal(true), files: z.number().int(), bytes: z.number().int() });
export type FetchResult = z.infer<typeof FetchResult>;

export const CollectRequest = z.strictObject({
  outputDir: z.string(),
  logDir: z.string(),
  /** `runs/<uid>/<attempt>` of the Store; the pod's index (`JOB_COMPLETION_INDEX`) is added as a folder. */
  runDir: z.string(),
  /** Is made once the end of the pod's work will be heard: before that a signal to the first process of a container is lost. */
  readyFile: z.string(),
});
export type CollectRequest = z.infer<typeof CollectRequest>;

export const CollectResult = z.strictObject({ ok: z.literal(true), files: z.number().int(), bytes: z.number().int() });
export type CollectResult = z.infer<typeof CollectResult>;

/** A person's mistake, or what they have to put right, in a sentence of at most 1,000 characters. */
export const BatchFailure = z.strictObject({ ok: z.literal(false), reason: z.string(), message: z.string() });
export type BatchFailure = z.infer<typeof BatchFailure>;

/** Reasons of `BatchFailure`; they become condition reasons, so they are API. */
export const BATCH_REASONS = [
  'FileNotFound',
  'FileNotReadable',
  'FormatInvalid',
  'SqlInvalid',
  'ColumnNotFound',
  'TypeMismatch',
  'TableEmpty',
  'TimeInvalid',
  'CheckFailed',
  'LabelNull',
  'LabelLeak',
  'SplitEmpty',
  'OutputMissing',
  'ModelMissing',
  'ModelAmbiguous',
  'ModelInvalid',
  'MetricsInvalid',
  'DigestMismatch',
  'SignatureMismatch',
  'PredictionInvalid',
  'MetricNotApplicable',
  'StoreNotWritable',
  'StoreFull',
  'RequestInvalid',
] as const;
export type BatchReason = (typeof BATCH_REASONS)[number];

/** The commands of `batch-runtime`, each with what it takes and answers. */
export const BATCH_COMMANDS = {
  materialise: { request: MaterialiseRequest, result: MaterialiseResult },
  'build-dataset': { request: BuildDatasetRequest, result: BuildDatasetResult },
  'publish-model': { request: PublishModelRequest, result: PublishModelResult },
  'verify-model': { request: VerifyModelRequest, result: VerifyModelResult },
  evaluate: { request: EvaluateRequest, result: EvaluateResult },
  fetch: { request: FetchRequest, result: FetchResult },
  collect: { request: CollectRequest, result: CollectResult },
} as const;
export type BatchCommand = keyof typeof BATCH_COMMANDS;
