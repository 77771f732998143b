import { z } from 'zod';
import { AGE_COLUMN, duration, listMap, matching, resources, withRules } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';
import { modelFormat } from './model-version.ts';
import { command, commandArguments, environment, imagePullSecrets } from './pod-fields.ts';

const port = (description: string) => z.number().int().min(1).max(65_535).describe(description);

const urlPath = (description: string) =>
  matching(
    /^\/[A-Za-z0-9._~/-]*$/,
    253,
    'must be a path of HTTP that begins with /, such as /v2/health/ready, without a query',
  ).describe(description);

const mountPath = withRules(
  z.string().min(2).max(253).describe('Folder in the container where the model is mounted, to be read only.'),
  [
    {
      rule: "self.startsWith('/') && self.size() > 1 && !self.contains(':') && !self.split('/').exists(part, part == '..')",
      message: 'must be the absolute path of a folder, such as /models, without ":" and ".."',
    },
    { rule: "self != '/tmp' && !self.startsWith('/tmp/')", message: '/tmp is for scratch files; take another folder' },
  ],
);

export const ServingRuntimeSpec = withRules(
  z.strictObject({
    image: z.string().min(1).max(512).describe('The container image of the model server.'),
    imagePullSecrets: imagePullSecrets.describe('For the image; they are looked for in the namespace of the service.'),
    command,
    args: commandArguments([
      'SLIPWAY_MODEL_NAME',
      'SLIPWAY_MODEL_VERSION',
      'SLIPWAY_MODEL_DIR',
      'SLIPWAY_MODEL_REPOSITORY',
      'SLIPWAY_HTTP_PORT',
      'SLIPWAY_GRPC_PORT',
      'SLIPWAY_METRICS_PORT',
    ]),
    env: environment.describe('Variables of the container. Those that Slipway sets come before them.'),
    formats: listMap(z.strictObject({ name: modelFormat }), 32, ['name'])
      .min(1)
      .describe('Formats of models that it opens, as spec.artifact.format of a ModelVersion names them.'),
    ports: z
      .strictObject({
        http: port('Port for HTTP/1.1. The probes ask here, too.'),
        grpc: port('Port for gRPC, in the clear (h2c). Without it calls are answered UNIMPLEMENTED.').optional(),
        metrics: port('Port for Prometheus. It is listed as `metrics` in the pod.').optional(),
      })
      .describe('Where the server listens, on all addresses of the pod.'),
    model: z
      .strictObject({
        mountPath: mountPath.default('/models'),
        layout: z
          .enum(['Repository', 'Folder'])
          .default('Repository')
          .describe(
            'Repository: the files are in <mountPath>/<name of the service>/<number of the version>. Folder: they are in mountPath itself.',
          ),
      })
      .default({ mountPath: '/models', layout: 'Repository' })
      .describe('Where the server finds the model.'),
    probes: z
      .strictObject({
        ready: urlPath('Answers 200 once the model is loaded.').default('/v2/health/ready'),
        live: urlPath('Answers 200 while the process is well.').default('/v2/health/live'),
        startup: duration
          .default('10m')
          .describe('How long it may take until `live` answers; then the container is restarted.'),
      })
      .default({ ready: '/v2/health/ready', live: '/v2/health/live', startup: '10m' })
      .describe('How Kubernetes asks it whether it is well, over HTTP.'),
    runAsUser: z
      .number()
      .int()
      .min(1)
      .max(2_147_483_647)
      .optional()
      .describe(
        'Number of the user that the container runs as. Without it: as the image says, which namespaces of the Pod Security level restricted refuse.',
      ),
    resources: resources.optional().describe('For services that name none.'),
  }),
  [
    {
      rule: '!has(self.ports.grpc) || self.ports.grpc != self.ports.http',
      message: 'ports.grpc must be another port than ports.http',
    },
    {
      rule: '!has(self.ports.metrics) || (self.ports.metrics != self.ports.http && (!has(self.ports.grpc) || self.ports.metrics != self.ports.grpc))',
      message:
        'ports.metrics must be another port than those for requests; leave it out where the server has its metrics on one of them',
    },
    {
      rule: "duration(self.probes.startup) >= duration('1s') && duration(self.probes.startup) <= duration('24h')",
      message: 'probes.startup must be from 1s to 24h',
    },
  ],
);
export type ServingRuntimeSpec = z.infer<typeof ServingRuntimeSpec>;
export type ServingRuntime = CustomObject<'ServingRuntime', ServingRuntimeSpec, never>;
export type ClusterServingRuntime = CustomObject<'ClusterServingRuntime', ServingRuntimeSpec, never>;

const shared = {
  spec: ServingRuntimeSpec,
  status: undefined,
  rules: [],
  columns: [
    { name: 'Formats', type: 'string', jsonPath: '.spec.formats[*].name' },
    { name: 'Image', type: 'string', jsonPath: '.spec.image' },
    AGE_COLUMN,
  ],
} as const;

export const servingRuntimeDefinition: KindDefinition = {
  ...shared,
  kind: 'ServingRuntime',
  plural: 'servingruntimes',
  singular: 'servingruntime',
  shortName: 'slsr',
  description:
    'A model server of other people, for services of the same namespace. It makes nothing by itself, and a change of it reaches new revisions only.',
};

export const clusterServingRuntimeDefinition: KindDefinition = {
  ...shared,
  kind: 'ClusterServingRuntime',
  plural: 'clusterservingruntimes',
  singular: 'clusterservingruntime',
  shortName: 'slcr',
  scope: 'Cluster',
  description: 'A ServingRuntime for services of all namespaces, where the install looks into all of them.',
};
