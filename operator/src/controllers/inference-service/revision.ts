/** A revision: what a service asks for with everything resolved, kept in a ControllerRevision and never changed again. */
import type { InferenceService, ModelSteps, ModelVersion, Store } from '@slipway/crds';
import type { ControllerRevision, DeepReadonly, Deployment } from '@slipway/kube';
import { z } from 'zod';
import { parseStoreUri } from '../../jobs/store-mount.ts';
import { childName, shortHash, stableJson } from '../../names.ts';
import { serverSettings, ServerSettings } from './server-settings.ts';

type Spec = InferenceService['spec'];
export type PodTemplate = NonNullable<Deployment['spec']>['template'];

const quantities = z.record(z.string(), z.union([z.string(), z.number()]));

/** What the identity of a revision is made of, and what a person asks about it. No image: an upgrade makes no revision. */
const RevisionFacts = z.object({
  modelVersion: z.string(),
  number: z.number().int(),
  artifact: z.object({ store: z.string(), claim: z.string(), root: z.string(), path: z.string(), digest: z.string() }),
  /** Which one was chosen, not what it says: a change of it makes no revision. Absent: ours. */
  runtime: z.object({ kind: z.enum(['ServingRuntime', 'ClusterServingRuntime']), name: z.string() }).optional(),
  /** What runs before and after the model, as its version says. */
  serve: z.custom<ModelSteps>((value) => typeof value === 'object' && value !== null).optional(),
  settings: ServerSettings,
  /** Whom its pods take requests from. Absent: whoever reaches them. */
  callers: z.literal('Gateways').optional(),
  resources: z.object({ requests: quantities.optional(), limits: quantities.optional() }).optional(),
  refresh: z.string().optional(),
  // As they are in the spec.
  env: z.custom<NonNullable<Spec['env']>>(Array.isArray).optional(),
  imagePullSecrets: z.array(z.object({ name: z.string() })).optional(),
  serviceAccountName: z.string().optional(),
  pod: z.custom<NonNullable<Spec['pod']>>((value) => typeof value === 'object' && value !== null).optional(),
});
export type RevisionFacts = z.infer<typeof RevisionFacts>;

const RevisionData = z.object({
  facts: RevisionFacts,
  runtimeImage: z.string(),
  template: z.custom<PodTemplate>((value) => typeof value === 'object' && value !== null),
});
export type RevisionData = z.infer<typeof RevisionData>;

/** What is asked for, from the service, its ModelVersion and the version's Store. */
export function resolveFacts(
  service: DeepReadonly<InferenceService>,
  version: DeepReadonly<ModelVersion>,
  store: DeepReadonly<Store>,
): RevisionFacts {
  const { runtime, settings, resources, refresh } = service.spec;
  const location = parseStoreUri(store.spec.uri);
  const {
    artifact: { path, digest },
    serve,
  } = version.spec;
  const artifact = {
    store: store.metadata.name,
    claim: location?.claim ?? '',
    root: location?.path ?? '',
    path,
    digest,
  };
  return RevisionFacts.parse({
    modelVersion: version.metadata.name,
    number: version.spec.number,
    artifact,
    ...(runtime === undefined ? {} : { runtime }),
    ...(serve === undefined ? {} : { serve }),
    settings: serverSettings(settings),
    ...(resources === undefined ? {} : { resources }),
    ...(refresh === undefined ? {} : { refresh }),
    ...podFields(service.spec),
  });
}

const POD_FIELDS = ['env', 'imagePullSecrets', 'serviceAccountName', 'pod'] as const;
type PodFields = Pick<DeepReadonly<Spec>, (typeof POD_FIELDS)[number]>;

/** What is not given stays absent, so that it is no part of what a revision is. */
function podFields(from: PodFields): PodFields {
  return Object.fromEntries(POD_FIELDS.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
}

/** `<service>-<hash>`: the name of the ControllerRevision, of the Deployment, and the value of the label on pods. */
export function revisionName(service: string, facts: RevisionFacts): string {
  return childName(service, shortHash(normal(facts), 8));
}

/** What a service asks for, as far as it can be told without reading the ModelVersion. */
export interface Asked
  extends PodFields, Pick<DeepReadonly<InferenceService>['spec'], 'runtime' | 'settings' | 'resources' | 'refresh'> {
  readonly modelVersion: string | undefined;
}

/** Whether a revision is what is asked for: for when its ModelVersion cannot be read. */
export function matchesAsked(facts: RevisionFacts, asked: Asked): boolean {
  const { modelVersion, runtime, settings, resources, refresh } = facts;
  return (
    stableJson(normal({ modelVersion, runtime, settings, resources, refresh, ...podFields(facts) })) ===
    stableJson(
      normal({
        modelVersion: asked.modelVersion,
        runtime: asked.runtime,
        settings: serverSettings(asked.settings),
        resources: asked.resources,
        refresh: asked.refresh,
        ...podFields(asked),
      }),
    )
  );
}

/** Numbers among the quantities become text, because `1` and `"1"` ask for the same. */
function normal<T extends { readonly resources?: DeepReadonly<RevisionFacts['resources']> }>(value: T): T {
  const { resources } = value;
  if (resources === undefined) return value;
  return { ...value, resources: { requests: texts(resources.requests), limits: texts(resources.limits) } };
}

function texts(amounts: Readonly<Record<string, string | number>> | undefined): Record<string, string> | undefined {
  if (amounts === undefined) return undefined;
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]));
}

/** undefined for a ControllerRevision that we do not understand: then its Deployment is left as it is. */
export function readRevision(object: DeepReadonly<ControllerRevision>): RevisionData | undefined {
  const parsed = RevisionData.safeParse(object.data);
  return parsed.success ? parsed.data : undefined;
}
