/** A few lines about an object that people ask for first; all of it is in `slipway get -o yaml`. */
import type {
  Approval,
  DatasetVersion,
  InferenceService,
  InferenceServiceStatus,
  ModelAlias,
  ModelRollout,
  ModelVersion,
  Store,
  TrainingJob,
} from '@slipway/crds';
import type { SlipwayObject } from '../../cluster/kinds.ts';

/** The others are in `-o yaml`. */
const MOST_MOVES = 5;

export type Fact = readonly [name: string, value: string];

type Facts = (object: never) => (readonly [string, string | undefined])[];

const FACTS: Readonly<Record<string, Facts>> = {
  InferenceService: ({ spec, status: { address, stable, candidate, runtime } = {} }: InferenceService) => [
    ...addressFacts(address),
    ['Serves', stable?.modelVersion],
    ['Next', candidate?.modelVersion],
    ['Pods', `${stable?.ready ?? 0} of ${spec.scaling.replicas} answer`],
    ['Image', runtime?.image],
    ['Newer image', runtime?.behind],
  ],
  ModelRollout: ({ spec, status }: ModelRollout) => [
    ['Service', spec.inferenceService.name],
    ['From', spec.from?.revision],
    ['To', spec.to.revision],
    ['Cause', spec.cause],
    ['Asked', askedOf(spec)],
    ['Step', status?.step === undefined ? undefined : `${status.step} of ${status.steps ?? '?'}`],
    ['Outcome', status?.outcome],
    ...(status?.history ?? [])
      .slice(0, MOST_MOVES)
      .map(({ at, what, why }, index) => [index === 0 ? 'History' : '', `${at}  ${what}: ${why}`] as const),
  ],
  ModelVersion: ({ spec, status }: ModelVersion) => [
    ['Artifact', `${spec.artifact.path} in Store ${spec.artifact.store.name}`],
    ['Digest', spec.artifact.digest],
    ['Inputs', tensors(status?.signature?.inputs)],
    ['Outputs', tensors(status?.signature?.outputs)],
    ['Step before', spec.serve?.before?.image],
    ['Step after', spec.serve?.after?.image],
    ['Metrics', spec.metrics?.map(({ name, value }) => `${name}=${value}`).join('  ')],
    ['Parameters', spec.parameters === undefined ? undefined : keyValues(spec.parameters)],
    ['Image', spec.lineage?.image],
  ],
  ModelAlias: ({ spec, status }: ModelAlias) => [
    ['Means', spec.modelVersion.name],
    ['Signed by', signedBy(spec.by, status?.by)],
    ['Evidence', spec.evidence],
    ...(status?.history ?? [])
      .slice(0, MOST_MOVES)
      .map(
        ({ at, modelVersion, by, signature }, index) =>
          [index === 0 ? 'History' : '', `${at}  ${modelVersion}  by ${signedBy(by, signature)}`] as const,
      ),
  ],
  Approval: ({ spec, status }: Approval) => [
    ['Decision', spec.decision],
    ['Signed by', signedBy(spec.by, status?.by)],
    ['Why', spec.reason],
    ['Evidence', spec.evidence],
  ],
  TrainingJob: ({ spec, status }: TrainingJob) => [
    ['Framework', `${spec.framework} on ${spec.nodes} ${spec.nodes === 1 ? 'node' : 'nodes'}`],
    ['Attempt', status?.attempt?.toString()],
    ['Learns from', status?.datasetVersion],
    ['Made', status?.output?.modelVersion],
    ['Metrics', status?.metrics?.map(({ name, value }) => `${name}=${value}`).join('  ')],
    ['Parameters', keyValues(spec.parameters)],
  ],
  DatasetVersion: ({ spec }: DatasetVersion) => [
    ['Files', `${spec.artifact.path} in Store ${spec.artifact.store.name}`],
    ['Digest', spec.artifact.digest],
    ['Rows', keyValues(spec.rows)],
    ['Left out', keyValues(spec.dropped)],
  ],
  Store: ({ spec }: Store) => [
    ['URI', spec.uri],
    ['Access', spec.access],
  ],
};

export function factsOf(object: SlipwayObject): Fact[] {
  const all = FACTS[object.kind]?.(object as never) ?? [];
  return all.filter((fact): fact is Fact => fact[1] !== undefined && fact[1] !== '');
}

function addressFacts(address: InferenceServiceStatus['address']): (readonly [string, string | undefined])[] {
  return [
    ['Address', address?.http],
    ['Hosts', address?.hosts?.join(', ')],
    ['Hosts for gRPC', address?.grpcHosts?.join(', ')],
  ];
}

function askedOf({ state, verdict, approvedStep, try: tried }: ModelRollout['spec']): string {
  return keyValues({ state, verdict, approvedStep, try: tried });
}

function signedBy(by: string | undefined, signature: string | undefined): string {
  return by === undefined ? 'nobody' : `${by} (${signature ?? 'not looked at yet'})`;
}

function keyValues(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join('  ');
}

function tensors(
  specs: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[] = [],
): string {
  return specs.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(', ')}]`).join('  ');
}
