import { z } from 'zod';
import {
  AGE_COLUMN,
  baseStatus,
  duration,
  objectName,
  PARENT_NAME_RULE,
  READY_COLUMNS,
  reference,
  resources,
  run,
  withRules,
} from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

/** Numbers and strings; CEL cannot see into them, so the operator checks the values and says so in a condition. */
export const parameters = z
  .record(
    z.string().max(63),
    z.union([z.number(), z.string().max(1024)]).meta({ 'x-kubernetes-preserve-unknown-fields': true }),
  )
  .describe('Numbers and strings by name.');

const environmentVariable = z.strictObject({
  name: z.string().min(1).max(255).describe('Name of the variable.'),
  value: z.string().max(8192).default('').describe('Its value.'),
});

export const TrainingJobSpec = withRules(
  z.strictObject({
    dataset: withRules(
      z
        .strictObject({
          name: objectName.describe('A Dataset.'),
          version: z
            .string()
            .min(1)
            .max(63)
            .default('Latest')
            .describe('Latest, or the name of a DatasetVersion. The run records which one it used.'),
        })
        .describe('What it learns from; train and validation are mounted, test never is.'),
      [
        {
          rule: "self.version == 'Latest' || self.version.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
          message: 'version must be Latest or the name of a DatasetVersion',
        },
      ],
    ),
    framework: z
      .enum(['XGBoost', 'Plain'])
      .describe('Whose variables the containers find. XGBoost: DMLC_* for a rabit tracker on rank 0. Plain: none.'),
    nodes: z.number().int().min(1).max(64).default(1).describe('Pods that train together.'),
    image: z.string().min(1).max(512).describe('The container image with everything that the training needs.'),
    code: z
      .strictObject({
        configMap: reference('A ConfigMap whose files are mounted at /slipway/code, the working directory.'),
      })
      .optional()
      .describe('Source files to run.'),
    command: z.array(z.string().max(4096)).min(1).max(64).describe('What the containers run.'),
    args: z.array(z.string().max(4096)).max(64).optional().describe('Arguments of the command.'),
    env: z
      .array(environmentVariable)
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional()
      .describe('More environment variables; names that begin with SLIPWAY_, PARAM_ or DMLC_ are ours.'),
    parameters: parameters
      .default({})
      .describe('Given to the containers as $SLIPWAY_PARAMETERS (JSON) and $PARAM_<NAME>.'),
    resources: resources.optional(),
    serviceAccountName: objectName.optional(),
    imagePullSecrets: z
      .array(reference('A Secret with credentials of a registry.'))
      .max(8)
      .optional()
      .describe('For the image.'),
    output: z
      .strictObject({
        model: reference('The Model that gets a new version.'),
        format: z.enum(['Onnx']).default('Onnx').describe('Format of the model that the training writes.'),
      })
      .describe('What becomes of $SLIPWAY_OUTPUT_DIR of rank 0.'),
    limits: z
      .strictObject({
        runningTime: duration.describe('The longest that an attempt may run, as a Go duration such as 2h.'),
      })
      .optional()
      .describe('What ends an attempt.'),
    suspend: z.boolean().default(false).describe('true: no pod runs until it is false again.'),
    run,
  }),
  [
    {
      rule: "!has(self.env) || !self.env.exists(e, e.name.startsWith('SLIPWAY_') || e.name.startsWith('PARAM_') || e.name.startsWith('DMLC_'))",
      message:
        'names of environment variables that begin with SLIPWAY_, PARAM_ or DMLC_ are set by Slipway; use parameters, or another name',
    },
    {
      rule: "self.framework != 'Plain' || self.nodes == 1",
      message: 'framework Plain runs one pod; set nodes to 1, or name the framework that joins the pods',
    },
  ],
);
export type TrainingJobSpec = z.infer<typeof TrainingJobSpec>;

export const TrainingJobStatus = z.strictObject({
  ...baseStatus,
  run: z.string().max(71).optional().describe('Digest of inputs, template and parameters.'),
  attempt: z.number().int().optional().describe('Number of the attempt that runs or ran last.'),
  datasetVersion: z.string().max(63).optional().describe('What it learns from.'),
  nodes: z
    .strictObject({ active: z.number().int(), succeeded: z.number().int(), failed: z.number().int() })
    .optional()
    .describe('Pods of the attempt.'),
  output: z
    .strictObject({ path: z.string().max(1024), modelVersion: z.string().max(63).optional() })
    .optional()
    .describe('What the run left in the Store of the Model, and the ModelVersion that was made of it.'),
  metrics: z
    .array(z.strictObject({ name: z.string().max(128), value: z.number() }))
    .max(128)
    .optional(),
});
export type TrainingJobStatus = z.infer<typeof TrainingJobStatus>;
export type TrainingJob = CustomObject<'TrainingJob', TrainingJobSpec, TrainingJobStatus>;

export const trainingJobDefinition: KindDefinition = {
  kind: 'TrainingJob',
  plural: 'trainingjobs',
  singular: 'trainingjob',
  shortName: 'sltj',
  description: 'Distributed training in pods; a run that succeeds becomes one ModelVersion.',
  spec: TrainingJobSpec,
  status: TrainingJobStatus,
  rules: [PARENT_NAME_RULE],
  columns: [
    { name: 'Framework', type: 'string', jsonPath: '.spec.framework' },
    { name: 'Nodes', type: 'integer', jsonPath: '.spec.nodes' },
    ...READY_COLUMNS,
    { name: 'Version', type: 'string', jsonPath: '.status.output.modelVersion' },
    AGE_COLUMN,
  ],
};
