/** Containers that a model takes along wherever it is served: what makes its inputs of a request, and an answer of its outputs. */
import { z } from 'zod';
import { resources, withRules } from './common.ts';
import { command, commandArguments, environment, imagePullSecrets } from './pod-fields.ts';

/** Those of our model server, beside which the steps run. */
const SERVER_PORTS = [8002, 8080, 9000];

const stepOf = (defaultPort: number) =>
  z.strictObject({
    image: z
      .string()
      .min(1)
      .max(512)
      .describe('The container image. Name it by digest, since the version never changes.'),
    imagePullSecrets: imagePullSecrets.describe('For the image; they are looked for in the namespace of the version.'),
    command,
    args: commandArguments(['SLIPWAY_MODEL_NAME', 'SLIPWAY_MODEL_VERSION', 'SLIPWAY_MODEL_DIR', 'SLIPWAY_HTTP_PORT']),
    env: environment.describe('Variables of the container. Those that Slipway sets come before them.'),
    port: withRules(z.number().int().min(1).max(65_535), [
      {
        rule: `!(self in [${SERVER_PORTS.join(', ')}])`,
        message: `must be another port than those of the model server (${SERVER_PORTS.join(', ')})`,
      },
    ])
      .default(defaultPort)
      .describe('Where it listens, on all addresses of the pod: the Open Inference Protocol v2 over HTTP/1.1.'),
    resources: resources.optional(),
  });

export const serve = withRules(
  z.strictObject({
    before: stepOf(9001)
      .optional()
      .describe('Gets the inputs of each request; its outputs are the inputs of the model, by their names.'),
    after: stepOf(9002)
      .optional()
      .describe('Gets the outputs of the model, and what `before` gave beyond them; its outputs are the answer.'),
  }),
  [
    { rule: 'has(self.before) || has(self.after)', message: 'give before, after, or both' },
    {
      rule: '!has(self.before) || !has(self.after) || self.before.port != self.after.port',
      message: 'before and after run in the same pod: give them different ports',
    },
  ],
).describe(
  "Containers that every pod has that serves this version: pre- and postprocessing, which move with it. Each is a server of the Open Inference Protocol; callers see one model that takes what `before` takes and gives what `after` gives. Slipway's own model server alone has them.",
);
export type ModelSteps = z.infer<typeof serve>;
export type ModelStep = NonNullable<ModelSteps['before']>;
