import { z } from 'zod';
import {
  AGE_COLUMN,
  baseStatus,
  digest,
  listMap,
  matching,
  READY_COLUMNS,
  reference,
  storePath,
  storeReference,
  withRules,
} from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';
import { metricSource } from './model.ts';
import { serve } from './model-step.ts';
import { parameters } from './training-job.ts';

export const modelFormat = withRules(
  matching(
    /^[A-Z][A-Za-z0-9]*$/,
    63,
    'must be the name of a format in its own spelling, with a capital first, such as Onnx, LightGBM or HuggingFace',
  ),
  [{ rule: "self == 'Onnx' || self.lowerAscii() != 'onnx'", message: 'is spelled Onnx' }],
).describe('Format of the model, such as Onnx. Any other than Onnx needs a runtime that lists it.');

export const tensorSpec = z.strictObject({
  name: z.string().min(1).max(255),
  dtype: z.enum([
    'Bool',
    'Int8',
    'Int16',
    'Int32',
    'Int64',
    'UInt8',
    'UInt16',
    'UInt32',
    'UInt64',
    'Float16',
    'Float32',
    'Float64',
    'String',
  ]),
  shape: z.array(z.number().int().min(-1)).max(32).describe('-1 for a dimension of any size.'),
});
export type TensorSpec = z.infer<typeof tensorSpec>;

const signature = z
  .strictObject({ inputs: listMap(tensorSpec, 64, ['name']), outputs: listMap(tensorSpec, 64, ['name']) })
  .describe('What goes in and what comes out.');

export const ModelVersionSpec = withRules(
  z.strictObject({
    model: reference('The Model that it is a version of.').optional(),
    number: z
      .number()
      .int()
      .min(1)
      .max(2_147_483_647)
      .default(1)
      .describe('Number of this version of its Model; model servers report it as model_version.'),
    artifact: z
      .strictObject({
        store: storeReference,
        path: storePath.describe('A file, or a folder with all files of the model.'),
        digest,
        format: modelFormat,
      })
      .describe('The bytes. They are read and hashed before the version is Ready, and opened where they are Onnx.'),
    serve: serve.optional(),
    parameters: parameters.optional().describe('What it was trained with.'),
    metrics: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(128).describe('For example validation.auc.'),
          value: z.number().describe('Its value.'),
        }),
      )
      .max(128)
      .optional()
      .describe('Metrics that its training reported.'),
    lineage: z
      .strictObject({
        trainingJob: z.string().max(63).optional().describe('Name of the TrainingJob.'),
        run: z.string().max(71).optional().describe('Digest of inputs, template and parameters of the run.'),
        attempt: z.number().int().optional().describe('Number of the attempt that succeeded.'),
        datasetVersion: z.string().max(63).optional().describe('What it learned from.'),
        image: z.string().max(512).optional().describe('The container image that trained it.'),
        code: z.string().max(71).optional().describe('Digest of the code that was mounted.'),
      })
      .optional()
      .describe('What it was made from.'),
  }),
  [{ rule: 'self == oldSelf', message: 'a ModelVersion is immutable; make a new one with another name' }],
);
export type ModelVersionSpec = z.infer<typeof ModelVersionSpec>;

const metricValue = { name: z.string().max(128), value: z.number() };

export const ModelVersionStatus = z.strictObject({
  ...baseStatus,
  signature: signature.optional().describe('Read from the model, where it is Onnx.'),
  bytes: z.number().int().optional(),
  metrics: z
    .array(z.strictObject({ ...metricValue, source: metricSource }))
    .max(160)
    .optional()
    .describe('What is known of its quality, and who says so.'),
  evaluation: z
    .strictObject({
      datasetVersion: z.string().max(63).describe('Whose rows were scored.'),
      rows: z.number().int().describe('How many of them.'),
      compared: z
        .array(
          z.strictObject({
            alias: z.string().max(63).describe('The alias as it was when the evaluation began.'),
            modelVersion: z
              .string()
              .max(63)
              .optional()
              .describe('What it meant; absent where there was no such alias.'),
            metrics: z.array(z.strictObject(metricValue)).max(16).describe('Of that version, on the same rows.'),
          }),
        )
        .max(8)
        .describe('What it was compared with.'),
    })
    .optional()
    .describe('The evaluation on which the verdicts rest.'),
  gates: listMap(
    z.strictObject({
      name: z.string().max(63),
      verdict: z.enum(['Passed', 'Failed']),
      message: z.string().max(1024).describe('Both values, and what was asked.'),
    }),
    16,
    ['name'],
  )
    .optional()
    .describe('The verdict of each gate of the Model.'),
});
export type ModelVersionStatus = z.infer<typeof ModelVersionStatus>;
export type ModelVersion = CustomObject<'ModelVersion', ModelVersionSpec, ModelVersionStatus>;

export const modelVersionDefinition: KindDefinition = {
  kind: 'ModelVersion',
  plural: 'modelversions',
  singular: 'modelversion',
  shortName: 'slmv',
  description: 'A model that never changes: its bytes by digest, its signature, and what it was made from.',
  spec: ModelVersionSpec,
  status: ModelVersionStatus,
  rules: [],
  columns: [
    { name: 'Model', type: 'string', jsonPath: '.spec.model.name' },
    { name: 'Number', type: 'integer', jsonPath: '.spec.number' },
    ...READY_COLUMNS,
    { name: 'Gates', type: 'string', jsonPath: '.status.conditions[?(@.type=="GatesPassed")].status' },
    { name: 'Approved', type: 'string', jsonPath: '.status.conditions[?(@.type=="Approved")].status' },
    {
      name: 'Compatible',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Compatible")].status',
      priority: 1,
    },
    { name: 'Format', type: 'string', jsonPath: '.spec.artifact.format', priority: 1 },
    AGE_COLUMN,
  ],
};
