/** A model of one InferenceService: its children, its pods and its endpoints, and what a user may expect of them. */
import type { InferenceService, ModelVersion, TrafficRoute } from '@slipway/crds';
import { controllerOf } from '@slipway/kube';
import type { Deployment, EndpointSlice, KubeObject, Pod } from '@slipway/kube';
import { addInferenceServiceController } from '../../operator/src/controllers/inference-service/controller.ts';
import { trafficOf } from '../../operator/src/rollouts/traffic.ts';
import { IN_USE_FINALIZER } from '../../operator/src/controllers/model-version/plan.ts';
import { MODEL_VERSION_LABEL, REVISION_LABEL } from '../../operator/src/labels.ts';
import { aModelVersion, anInferenceService, WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import { kindOf, objectsOfKind } from './api-model.ts';
import type { Objects } from './api-model.ts';
import { appliedRoute, gatewaySlice, gatewaySteps } from './gateway-model.ts';
import { deploymentSteps, endpointsOf, endpointSteps, garbageCollection, isReady } from './kubernetes.ts';
import { createProgram } from './program.ts';
import type { Request } from './requests.ts';
import { breaksOwnership, doesNotSay, isUntold, leftBehind } from './rules.ts';
import { courseOf } from './scenario.ts';
import type { Scenario, ScenarioOptions, UserStep } from './scenario.ts';
import { startingPoint, userApplies, userDeletes } from './seed.ts';
import type { State } from './state.ts';

const SERVICE = 'InferenceService/flights';
/** Its pods never answer. */
const BROKEN = 'broken';
const VERSIONS = ['v1', 'v2', BROKEN];

export interface ServiceModelOptions extends ScenarioOptions {
  readonly drainSeconds?: number;
}

export function inferenceServiceModel(options: ServiceModelOptions): Scenario {
  const { drainSeconds = 0, tamper } = options;
  const config = { ...WORKLOADS, drainSeconds };
  return {
    ...courseOf(options),
    programs: [createProgram({ controller: addInferenceServiceController, owner: SERVICE, config, tamper })],
    initial: startingPoint([...VERSIONS.map(verified), gatewaySlice]),
    kubernetes: (api, server) => [
      ...garbageCollection(api),
      ...deploymentSteps(api, server, (pod) => (versionOf(pod) === BROKEN ? 'crashes' : 'ready')),
      ...endpointSteps(api, server),
      ...gatewaySteps(api, server),
    ],
    remember: readyRevisions,
    checkRequest: (request, before, after) =>
      breaksOwnership(request, before, after) ??
      endsWhatServes(request, before, after) ??
      movesTrafficToNothing(before, after),
    checkRest: ({ api }) => {
      const service = serviceOf(api);
      return service === undefined ? leftBehind(api) : notAsAsked(api, service);
    },
  };
}

function verified(name: string): ModelVersion {
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Verified', message: 'It is.' }] as const;
  return {
    ...aModelVersion(name, { finalizers: [IN_USE_FINALIZER] }),
    status: { conditions },
  } as unknown as ModelVersion;
}

/** The user wants this version served. */
export function serve(version: string, replicas = 1): UserStep {
  const words = `the user asks for ${version}${replicas === 1 ? '' : ` with ${replicas} replicas`}`;
  return userApplies(words, anInferenceService({ modelVersion: { name: version }, scaling: { replicas } }));
}

/** The user changes his mind while the candidate waits for its pods (`listed`), has all requests (`moved`), or is stable. */
export function serveOnce(phase: 'listed' | 'moved' | 'stable', version: string): UserStep {
  return { ...serve(version), when: ({ api }) => phaseOf(api) === phase };
}

function phaseOf(api: Objects): 'listed' | 'moved' | 'stable' | undefined {
  const [route] = objectsOfKind<TrafficRoute>(api, 'TrafficRoute');
  if (route === undefined) return undefined;
  const { stable, weights } = trafficOf(route);
  if (Object.keys(weights).length === 1) return 'stable';
  return weights[stable] === 100 ? 'listed' : 'moved';
}

export const deleteService = userDeletes('the user deletes the service', SERVICE);

function versionOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[MODEL_VERSION_LABEL];
}

function readyRevisions(api: Objects): readonly string[] {
  const ready = objectsOfKind<Pod>(api, 'Pod').filter(({ status }) => isReady(status));
  return ready.map((pod) => pod.metadata.labels?.[REVISION_LABEL] ?? '');
}

/** The revision that gets the requests, once one has answered. */
function servingRevision(api: Objects): string | undefined {
  const [route] = objectsOfKind<TrafficRoute>(api, 'TrafficRoute');
  if (route === undefined || trafficOf(route).movedAt === undefined) return undefined;
  return route.spec.backends.find(({ weight }) => weight === 100)?.revision;
}

/**
 * A late delete is let pass: nothing in it tells the server that its sender's successor went back to the revision. What it
 * takes away is made again, which `checkRest` sees to.
 */
function endsWhatServes(request: Request, before: State, after: Objects): string | undefined {
  const { api, late } = before;
  const deployment = request === late ? undefined : deploymentOf(request, api);
  if (deployment === undefined || !getsRequests(deployment, api)) return undefined;
  const now = deploymentOf(request, after);
  if (now === undefined) return `${request.id} is deleted while it has the traffic.`;
  const serves = deployment.metadata.name === servingRevision(api);
  if (!serves || replicasOf(now) >= Math.min(replicasOf(deployment), replicasKnown(before))) return undefined;
  return `${request.id} is scaled below what is asked for while it has the traffic.`;
}

function deploymentOf({ id }: Request, api: Objects): Deployment | undefined {
  const object = kindOf(id) === 'Deployment' ? api.get(id)?.content.object : undefined;
  return object !== undefined && isOwned(object, api) ? (object as Deployment) : undefined;
}

/** What was asked for when the pass began: nobody can know what is asked for in the meantime. */
function replicasKnown({ api, pass }: State): number {
  return serviceOf(pass?.view ?? api)?.spec.scaling.replicas ?? 0;
}

function replicasOf({ spec }: Deployment): number {
  return spec?.replicas ?? 0;
}

/** It answers, and a gateway may send it requests: by the route that it applies, or by the newest, which it may apply at any moment. */
function getsRequests({ metadata: { name } }: Deployment, api: Objects): boolean {
  if (!readyRevisions(api).includes(name)) return false;
  const routes = [appliedRoute(api)?.spec, ...objectsOfKind<TrafficRoute>(api, 'TrafficRoute').map(({ spec }) => spec)];
  return routes.some(
    (spec) => spec?.stable === name || spec?.backends.some(({ revision, weight }) => revision === name && weight > 0),
  );
}

function isOwned(child: KubeObject, api: Objects): boolean {
  return controllerOf(child)?.uid === serviceOf(api)?.metadata.uid;
}

function serviceOf(api: Objects): InferenceService | undefined {
  return api.get(SERVICE)?.content.object as InferenceService | undefined;
}

function movesTrafficToNothing({ api, memory }: State, after: Objects): string | undefined {
  const next = servingRevision(after);
  if (next === undefined || next === servingRevision(api) || memory.includes(next)) return undefined;
  return `The traffic goes to ${next}, which never answered.`;
}

/** The desired end, in the user's words. */
function notAsAsked(api: Objects, service: InferenceService): string | undefined {
  const untold = isUntold(service);
  if (untold !== undefined) return untold;
  if (service.spec.modelVersion?.name === BROKEN) return doesNotSay(service, 'Stalled');
  return doesNotSay(service, 'Ready') ?? otherDeployments(api, service) ?? otherTraffic(api, service);
}

function otherDeployments(api: Objects, { spec }: InferenceService): string | undefined {
  const serving = objectsOfKind<Deployment>(api, 'Deployment');
  const versions = serving.map(({ metadata }) => metadata.labels?.[MODEL_VERSION_LABEL]);
  if (versions.join() !== spec.modelVersion?.name) return `There are Deployments of [${versions.join(', ')}].`;
  const isScaled = serving.every((deployment) => replicasOf(deployment) === spec.scaling.replicas);
  return isScaled ? undefined : 'It has another number of replicas.';
}

function otherTraffic(api: Objects, { spec }: InferenceService): string | undefined {
  const [serving] = objectsOfKind<Deployment>(api, 'Deployment');
  const [route] = objectsOfKind<TrafficRoute>(api, 'TrafficRoute');
  const traffic = appliedRoute(api)?.spec;
  if (traffic?.sequence !== route?.spec.sequence) return 'The gateway applies another route.';
  const revisions = traffic?.backends.map(({ revision }) => revision) ?? [];
  if (revisions.join() !== serving?.metadata.name) return `The traffic goes to ${revisions.join(', ')}.`;
  const slices = objectsOfKind<EndpointSlice>(api, 'EndpointSlice');
  const endpoints = slices.filter(({ metadata }) => metadata.name === revisions[0]).flatMap(endpointsOf);
  return endpoints.length === Math.min(1, spec.scaling.replicas) ? undefined : 'It has other endpoints.';
}
