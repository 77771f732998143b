import { modelAliasName } from '@slipway/crds';
import type { InferenceService, ModelRollout, ModelVersion, TrafficRoute } from '@slipway/crds';
import { controllerOf } from '@slipway/kube';
import type { ControllerRevision, DeepReadonly, Deployment, EndpointSlice, Pod, Service } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { findCondition } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import type { Caches, OperatorDeps } from '../../deps.ts';
import { isServing, knownGateways } from '../../gateways/gateways.ts';
import type { GatewayReplica } from '../../gateways/gateways.ts';
import type { GatewayIssuer } from '../../gateways/token-issuer.ts';
import { findStore } from '../../jobs/find-store.ts';
import { mountFailuresOf } from '../../jobs/observe-job.ts';
import type { Trouble } from '../../jobs/pod-trouble.ts';
import type { PodDisruptionBudget } from '../../kinds.ts';
import { IN_USE_FINALIZER } from '../model-version/plan.ts';
import { servableProblem } from '../model-version/servable.ts';
import { accessOf } from './access.ts';
import { observeHosts } from './hosts.ts';
import type { ObservedGatewayRoute } from './gateway-api.ts';
import { observeGatewayRoutes, observeGatewayRouteStates } from './observe-gateway-routes.ts';
import type { ObservedHost } from './hosts.ts';
import { MODELS } from './build-pod-template.ts';
import { findRuntime } from './find-runtime.ts';
import type { ForeignRuntime } from './find-runtime.ts';
import { interfaceChange } from './interface-change.ts';
import { stableName } from './desired-revision.ts';
import { overlayProblem } from './pod-overlay.ts';
import { readRevision, resolveFacts } from './revision.ts';
import type { RevisionData, RevisionFacts } from './revision.ts';
import { replicasOf } from './scaling/replicas.ts';
import { settingsProblem } from './server-settings.ts';
import { isPodReady, revisionTrouble } from './revision-trouble.ts';

/** A revision as far as it exists: a snapshot, a Deployment, or both; its Service goes with the Deployment. */
export interface ObservedRevision {
  readonly name: string;
  readonly snapshot: DeepReadonly<ControllerRevision> | undefined;
  readonly data: RevisionData | undefined;
  readonly deployment: DeepReadonly<Deployment> | undefined;
  readonly service: DeepReadonly<Service> | undefined;
  readonly pods: readonly DeepReadonly<Pod>[];
  /** Pods that answer. */
  readonly ready: number;
  /** Those of them that EndpointSlices list, so that gateways can find them. */
  readonly listed: number;
  readonly trouble: Trouble | undefined;
}

/** What a gateway that may have requests to hand on applies of the route. */
export interface AppliedRoute {
  readonly address: string;
  /** 0: no such route. Undefined: it has not told. */
  readonly sequence: number | undefined;
}

/** What the spec asks for, with everything looked up; or why that is not possible now. */
export type Resolved =
  | {
      readonly version: string;
      readonly facts: RevisionFacts;
      /** As it is now; undefined: ours. */
      readonly runtime?: ForeignRuntime | undefined;
      /** What callers of the version that serves now will miss. */
      readonly warning?: string | undefined;
      readonly problem?: undefined;
    }
  | {
      /** The ModelVersion that is asked for, where at least that can be said. */
      readonly version: string | undefined;
      readonly facts?: undefined;
      readonly runtime?: undefined;
      readonly problem: Reason & { readonly isFinal: boolean };
    };

export interface ObservedService {
  readonly service: DeepReadonly<InferenceService>;
  /** The Service of our name that we control. */
  readonly address: DeepReadonly<Service> | undefined;
  /** Our EndpointSlices of that Service: where the gateways are. */
  readonly addressSlices: readonly DeepReadonly<EndpointSlice>[];
  readonly route: DeepReadonly<TrafficRoute> | undefined;
  /** Of the gateways. */
  readonly hosts: readonly ObservedHost[];
  readonly gatewayRoutes: readonly ObservedGatewayRoute[];
  readonly gateways: readonly GatewayReplica[];
  readonly applied: readonly AppliedRoute[];
  readonly budgets: readonly DeepReadonly<PodDisruptionBudget>[];
  /** Those of its name, also where another object of that name had them before. */
  readonly rollouts: readonly DeepReadonly<ModelRollout>[];
  /** By name, sorted. */
  readonly revisions: readonly ObservedRevision[];
  /** By ModelVersion of a revision why it cannot be served any more. */
  readonly unservable: ReadonlyMap<string, string>;
  readonly resolved: Resolved;
  /** By what its pods know the gateways; undefined where they do not ask, or the API server has not told. */
  readonly gatewayIssuer?: GatewayIssuer | undefined;
  /** Pods that it shall have now. */
  readonly replicas: number;
}

export async function observeService(
  deps: Pick<OperatorDeps, 'caches' | 'config' | 'discovery' | 'gateways' | 'scaling' | 'tokenIssuer'>,
  service: DeepReadonly<InferenceService>,
): Promise<ObservedService> {
  const gatewayRouteStates = await observeGatewayRouteStates(deps, service);
  // What follows is seen at one moment.
  const { caches, gateways: fleet } = deps;
  const { name, uid = '' } = service.metadata;
  const services = caches.services.byIndex('controller', uid);
  const [route] = caches.trafficRoutes.byIndex('controller', uid);
  const gateways = knownGateways(deps);
  const revisions = observeRevisions(caches, service, services);
  return {
    service,
    address: services.find((one) => one.metadata.name === name),
    addressSlices: caches.endpointSlices.byIndex('controller', uid),
    route,
    hosts: observeHosts(caches, service, route),
    gatewayRoutes: observeGatewayRoutes(caches, service, gatewayRouteStates),
    gateways,
    applied: gateways.filter(isServing).map(({ address }) => {
      return { address, sequence: fleet.sequenceAt(address, route?.metadata.uid ?? '') };
    }),
    budgets: caches.disruptionBudgets.byIndex('controller', uid),
    rollouts: caches.modelRollouts.byIndex('inferenceService', indexKey(service.metadata.namespace, name)),
    revisions,
    unservable: unservableVersions(caches, service, revisions),
    resolved: resolve(deps, service, stableVersion(caches, service, route)),
    gatewayIssuer: deps.tokenIssuer?.current(),
    replicas: replicasOf(deps, service, route),
  };
}

function observeRevisions(
  caches: Caches,
  service: DeepReadonly<InferenceService>,
  services: readonly DeepReadonly<Service>[],
): ObservedRevision[] {
  const { namespace = '', uid = '' } = service.metadata;
  const snapshots = new Map(
    caches.controllerRevisions.byIndex('controller', uid).map((one) => [one.metadata.name, one]),
  );
  const deployments = new Map(caches.deployments.byIndex('controller', uid).map((one) => [one.metadata.name, one]));
  return [...new Set([...snapshots.keys(), ...deployments.keys()])].sort().map((name) => {
    const deployment = deployments.get(name);
    const snapshot = snapshots.get(name);
    const pods = caches.pods
      .byIndex('revision', indexKey(namespace, name))
      .filter((pod) => controllerOf(pod)?.kind === 'ReplicaSet');
    const ready = deployment === undefined ? [] : pods.filter(isPodReady);
    const endpoints = endpointPods(caches, namespace, name);
    return {
      name,
      snapshot,
      data: snapshot === undefined ? undefined : readRevision(snapshot),
      deployment,
      service: services.find(({ metadata }) => metadata.name === name),
      pods,
      ready: ready.length,
      listed: ready.filter(({ metadata }) => endpoints.has(metadata.name)).length,
      trouble: revisionTrouble({ deployment, pods, mountFailures: mountFailuresOf(caches, pods) }),
    };
  });
}

/** By ModelVersion of a revision why it cannot be served any more. */
function unservableVersions(
  { modelVersions }: Pick<Caches, 'modelVersions'>,
  { metadata: { namespace = '' } }: DeepReadonly<InferenceService>,
  revisions: readonly ObservedRevision[],
): ReadonlyMap<string, string> {
  const names = revisions.flatMap(({ data }) => (data === undefined ? [] : [data.facts.modelVersion]));
  return new Map(
    [...new Set(names)].flatMap((name) => {
      const version = modelVersions.get({ namespace, name });
      const isGone = version === undefined || version.metadata.deletionTimestamp !== undefined;
      if (isGone) return [[name, `ModelVersion "${name}" is deleted.`] as const];
      // One that was not looked at yet was, when it served.
      const problem = servableProblem(version);
      return problem?.isFinal === true ? [[name, problem.message] as const] : [];
    }),
  );
}

function endpointPods(caches: Caches, namespace: string, service: string): ReadonlySet<string> {
  const slices = caches.endpointSlices.byIndex('service', indexKey(namespace, service));
  // `endpoints` is null in a slice that has none.
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  return new Set(endpoints.flatMap(({ targetRef }) => (targetRef?.name === undefined ? [] : [targetRef.name])));
}

/** The ModelVersion that serves now. */
function stableVersion(
  caches: Pick<Caches, 'controllerRevisions'>,
  { metadata: { namespace = '' } }: DeepReadonly<InferenceService>,
  route: DeepReadonly<TrafficRoute> | undefined,
): string | undefined {
  const name = stableName({ route });
  const snapshot = name === undefined ? undefined : caches.controllerRevisions.get({ namespace, name });
  return snapshot && readRevision(snapshot)?.facts.modelVersion;
}

type ResolveDeps = Pick<OperatorDeps, 'caches' | 'config' | 'tokenIssuer'>;

/** @param serving Name of the ModelVersion that serves now. */
function resolve(deps: ResolveDeps, service: DeepReadonly<InferenceService>, serving: string | undefined): Resolved {
  const { caches } = deps;
  const { namespace = '' } = service.metadata;
  const { model, modelVersion } = service.spec;
  const alias = model && caches.modelAliases.get({ namespace, name: modelAliasName(model) });
  const name = modelVersion?.name ?? alias?.spec.modelVersion.name;
  const unresolved = (problem: Reason & { isFinal: boolean }): Resolved => ({ version: name, problem });
  if (name === undefined) return unresolved(noAlias(namespace, model));
  const version = caches.modelVersions.get({ namespace, name });
  if (version === undefined) {
    const where = alias === undefined ? 'spec.modelVersion' : `ModelAlias "${alias.metadata.name}"`;
    const message = `There is no ModelVersion "${name}" in namespace "${namespace}". Create it, or name another one in ${where}.`;
    return unresolved({ reason: 'ModelVersionNotFound', message, isFinal: false });
  }
  const problem = foreignVersion(version, model) ?? versionProblem(version);
  return problem === undefined ? resolveVersion(deps, service, { version, serving }) : unresolved(problem);
}

/** What a version needs so that pods of the service can serve it. */
function resolveVersion(
  deps: ResolveDeps,
  service: DeepReadonly<InferenceService>,
  { version, serving }: { readonly version: DeepReadonly<ModelVersion>; readonly serving: string | undefined },
): Resolved {
  const { caches } = deps;
  const { name, namespace = '' } = version.metadata;
  const found = findStore(caches, { namespace, name: version.spec.artifact.store.name, access: 'read' });
  if (found.problem !== undefined) return { version: name, problem: { ...found.problem, isFinal: false } };
  const chosen = findRuntime(caches, service, version);
  if (chosen.problem !== undefined) return { version: name, problem: chosen.problem };
  const { settings, pod = {} } = service.spec;
  const rules = { allowed: deps.config.podPaths, mountPath: chosen.runtime?.model.mountPath ?? MODELS };
  const wrong = settingsProblem(settings) ?? overlayProblem(pod, rules);
  if (wrong !== undefined) return { version: name, problem: { ...wrong, isFinal: true } };
  const { warning, refusal } = interfaceChange(caches, serving, version);
  if (refusal !== undefined) return { version: name, problem: refusal };
  const { problem, ...callers } = callersOf(deps, service, chosen.runtime);
  if (problem !== undefined) return { version: name, problem };
  const facts = { ...resolveFacts(service, version, found.store), ...callers };
  return { version: name, facts, runtime: chosen.runtime, warning };
}

/** Servers of other people cannot ask who comes. */
function callersOf(
  { tokenIssuer, config }: ResolveDeps,
  service: DeepReadonly<InferenceService>,
  runtime: ForeignRuntime | undefined,
): { readonly callers?: 'Gateways'; readonly problem?: Reason & { isFinal: boolean } } {
  if (tokenIssuer === undefined || accessOf(service, config) === undefined || runtime !== undefined) return {};
  return tokenIssuer.current() === undefined ? { problem: GATEWAYS_UNKNOWN } : { callers: 'Gateways' };
}

const GATEWAYS_UNKNOWN = {
  reason: 'GatewaysUnknown',
  message: 'The API server has not told yet by which keys pods know the gateways. The operator asks again.',
  isFinal: false,
};

/** An alias of one Model that means a version of another. */
function foreignVersion(
  { metadata: { name }, spec }: DeepReadonly<ModelVersion>,
  model: InferenceService['spec']['model'],
): (Reason & { isFinal: boolean }) | undefined {
  if (model === undefined || spec.model?.name === model.name) return undefined;
  const message = `ModelAlias "${modelAliasName(model)}" means ModelVersion "${name}", which is no version of Model "${model.name}". Move the alias.`;
  return { reason: 'ModelMismatch', message, isFinal: false };
}

function noAlias(namespace: string, model: InferenceService['spec']['model']): Reason & { isFinal: boolean } {
  const name = model === undefined ? '' : modelAliasName(model);
  const message = `There is no ModelAlias "${name}" in namespace "${namespace}". Create it, or name another alias in spec.model.`;
  return { reason: 'ModelAliasNotFound', message, isFinal: false };
}

/** A version is served once its bytes were verified, it has passed what its Model asks, and its finalizer keeps it from going while it is served. */
function versionProblem(version: DeepReadonly<ModelVersion>): (Reason & { isFinal: boolean }) | undefined {
  const { name, deletionTimestamp, finalizers } = version.metadata;
  if (deletionTimestamp !== undefined) {
    const message = `ModelVersion "${name}" is being deleted. Name another one.`;
    return { reason: 'ModelVersionNotReady', message, isFinal: false };
  }
  const ready = findCondition(version, 'Ready');
  if (ready?.status !== 'True') {
    const words = ready === undefined ? 'it was not looked at yet.' : ready.message;
    const isFinal = findCondition(version, 'Stalled')?.status === 'True';
    return { reason: 'ModelVersionNotReady', message: `ModelVersion "${name}" is not ready: ${words}`, isFinal };
  }
  const refused = servableProblem(version);
  if (refused !== undefined) return refused;
  if (finalizers?.includes(IN_USE_FINALIZER) === true) return undefined;
  return { reason: 'ModelVersionNotReady', message: `ModelVersion "${name}" is being reserved.`, isFinal: false };
}
