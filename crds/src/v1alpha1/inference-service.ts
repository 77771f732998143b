import { z } from 'zod';
import { access } from './access.ts';
import {
  AGE_COLUMN,
  baseStatus,
  objectName,
  PARENT_NAME_RULE,
  READY_COLUMNS,
  reference,
  resources,
  withRules,
} from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';
import { expose, ONLY_BY_OUR_GATEWAYS } from './expose.ts';
import { aliasName } from './model-alias.ts';
import { environment, imagePullSecrets, podOverlay } from './pod-fields.ts';
import { rollout } from './rollout.ts';
import { sampling } from './sampling.ts';
import { scaling } from './scaling.ts';
import { serverSettings, SETTINGS_OF_OURS } from './server-settings.ts';

export const InferenceServiceSpec = withRules(
  z.strictObject({
    modelVersion: reference('The ModelVersion to serve.').optional(),
    model: z
      .strictObject({
        name: objectName.describe('Name of the Model.'),
        alias: aliasName.describe(
          'The alias, such as champion. When it moves, the service changes to the version that it means.',
        ),
      })
      .optional()
      .describe('Instead of a ModelVersion: whichever version an alias of a Model means.'),
    runtime: z
      .strictObject({
        kind: z
          .enum(['ServingRuntime', 'ClusterServingRuntime'])
          .describe('Of this namespace, or of the whole cluster.'),
        name: objectName.describe('Its name.'),
      })
      .optional()
      .describe(
        "The model server. Without it: Slipway's own, which serves Onnx. A change of the runtime reaches new revisions only.",
      ),
    settings: serverSettings.default({ instances: 1 }).describe("Settings of Slipway's own model server."),
    resources: resources.optional(),
    env: environment.describe('Variables of the model server, over those of its runtime of the same name.'),
    imagePullSecrets: imagePullSecrets.describe('For the images of the pods.'),
    serviceAccountName: objectName.optional().describe('Who the pods are. Without it they get no token of Kubernetes.'),
    pod: podOverlay
      .optional()
      .describe('What else the pods have: merged over what Slipway makes, by the keys of lists.'),
    scaling: scaling.default({ replicas: 1 }).describe('How many pods serve.'),
    access: access
      .optional()
      .describe(
        'Who may ask for predictions: requests have to carry a token, or come with a certificate. Without it whoever reaches the gateways may, or, where the install says so, the own namespace.',
      ),
    expose: expose.optional(),
    sampling: sampling
      .optional()
      .describe(
        'Some requests are written into files at the gateways, with their answers and ids. Without it none are. Where the install keeps no samples, `Ready` says so.',
      ),
    refresh: z
      .string()
      .min(1)
      .max(63)
      .optional()
      .describe('Any change makes a new revision with the newest runtime image and the same model.'),
    rollout: rollout.optional(),
  }),
  [
    {
      rule: 'has(self.modelVersion) != has(self.model)',
      message: 'give exactly one of modelVersion and model',
    },
    SETTINGS_OF_OURS,
    ...ONLY_BY_OUR_GATEWAYS,
  ],
);
export type InferenceServiceSpec = z.infer<typeof InferenceServiceSpec>;

const revision = z.strictObject({
  revision: z.string().max(63),
  modelVersion: z.string().max(63),
  ready: z.number().int().describe('Pods that answer.'),
});

export const InferenceServiceStatus = z.strictObject({
  ...baseStatus,
  address: z
    .strictObject({
      http: z.string().max(512),
      hosts: z
        .array(z.string().max(253))
        .max(16)
        .optional()
        .describe('Those of spec.expose that lead to it: no older service has them, or the Gateway has accepted them.'),
      grpcHosts: z
        .array(z.string().max(253))
        .max(16)
        .optional()
        .describe('Those for gRPC alone that the Gateway has accepted.'),
      grpc: z.string().max(512).optional().describe('Absent where the model server does not speak gRPC.'),
    })
    .optional()
    .describe('Where pods of the cluster reach it; the same for the whole life of the service.'),
  stable: revision.optional().describe('The revision that gets the traffic.'),
  candidate: revision.optional().describe('The revision that will get it once it is ready.'),
  replicas: z.number().int().optional(),
  selector: z.string().max(512).optional(),
  runtime: z
    .strictObject({
      image: z.string().max(512),
      behind: z.string().max(512).optional().describe('The newest image, where it is another one.'),
    })
    .optional(),
});
export type InferenceServiceStatus = z.infer<typeof InferenceServiceStatus>;
export type InferenceService = CustomObject<'InferenceService', InferenceServiceSpec, InferenceServiceStatus>;

export const inferenceServiceDefinition: KindDefinition = {
  kind: 'InferenceService',
  plural: 'inferenceservices',
  singular: 'inferenceservice',
  shortName: 'slis',
  description:
    'A model that answers over REST and gRPC at one address, and changes its version without a failed request.',
  spec: InferenceServiceSpec,
  status: InferenceServiceStatus,
  rules: [PARENT_NAME_RULE],
  columns: [
    READY_COLUMNS[0]!,
    { name: 'Serving', type: 'string', jsonPath: '.status.conditions[?(@.type=="Serving")].status' },
    { name: 'Pods', type: 'integer', jsonPath: '.status.replicas' },
    { name: 'Version', type: 'string', jsonPath: '.status.stable.modelVersion' },
    { name: 'Candidate', type: 'string', jsonPath: '.status.candidate.modelVersion' },
    READY_COLUMNS[1]!,
    AGE_COLUMN,
  ],
  scale: {
    specReplicasPath: '.spec.scaling.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  },
};
