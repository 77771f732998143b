/** A model of one InferenceService: its children, its pods and its endpoints, and what a user may expect of them. */
import type { InferenceService } from '@slipway/crds';
import { controllerOf } from '@slipway/kube';
import type { Deployment, EndpointSlice, KubeObject, Pod, Service } from '@slipway/kube';
import { addInferenceServiceController } from '../../operator/src/controllers/inference-service/controller.ts';
import { NO_REVISION } from '../../operator/src/controllers/inference-service/build-children.ts';
import { IN_USE_FINALIZER } from '../../operator/src/controllers/model-version/plan.ts';
import { findCondition } from '../../operator/src/conditions.ts';
import { MODEL_VERSION_LABEL, REVISION_LABEL } from '../../operator/src/labels.ts';
import { aClaim, aModelVersion, anInferenceService, aStore, WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import { apply, deleted, idOf, kindOf, objectsOfKind, withStatus } from './api-model.ts';
import type { Objects, ServerContext } from './api-model.ts';
import { deploymentSteps, endpointsOf, endpointSteps, garbageCollection, isReady } from './kubernetes.ts';
import { createProgram } from './program.ts';
import type { ProgramOptions } from './program.ts';
import type { Request } from './requests.ts';
import type { Scenario, UserStep } from './scenario.ts';
import type { Faults, State } from './state.ts';

const SERVICE = 'InferenceService/flights';
/** Its pods never answer. */
const BROKEN = 'broken';
const VERSIONS = ['v1', 'v2', BROKEN];

export interface ServiceModelOptions {
  /** What is served, and all is well, when the exploration begins. */
  readonly serving?: UserStep;
  readonly script: readonly UserStep[];
  readonly faults?: Partial<Faults>;
  readonly mayFallBehind?: readonly string[];
  readonly drainSeconds?: number;
  readonly hasSlowReads?: boolean;
  readonly tamper?: NonNullable<ProgramOptions['tamper']>;
}

export function inferenceServiceModel(options: ServiceModelOptions): Scenario {
  const { serving, script, faults, drainSeconds = 0, hasSlowReads = false, mayFallBehind, tamper } = options;
  const program = createProgram({
    controller: addInferenceServiceController,
    owner: SERVICE,
    config: { ...WORKLOADS, drainSeconds },
    ...(tamper === undefined ? {} : { tamper }),
  });
  return {
    programs: [program],
    initial: startingPoint(),
    script: serving === undefined ? script : [serving, ...script],
    settledSteps: serving === undefined ? 0 : 1,
    faults: { crashes: 0, lostAnswers: 0, staleKinds: 0, mishaps: 0, ...faults },
    hasSlowReads,
    ...(mayFallBehind === undefined ? {} : { mayFallBehind }),
    kubernetes: (api, server) => [
      ...garbageCollection(api),
      ...deploymentSteps(api, server, (pod) => (versionOf(pod) === BROKEN ? 'crashes' : 'ready')),
      ...endpointSteps(api, server),
    ],
    remember: readyRevisions,
    checkRequest: (request, before, after) =>
      takesOver(after) ??
      makesChildOfGoneOwner(request, before, after) ??
      endsWhatServes(request, before, after) ??
      movesTrafficToNothing(before, after),
    checkRest: (api) => {
      const service = serviceOf(api);
      return service === undefined ? leftBehind(api) : notAsAsked(api, service);
    },
  };
}

function startingPoint(): Objects {
  const server: ServerContext = { newUid: (id) => `${id}#1`, now: '2026-11-23T09:00:00Z' };
  const made = [aStore(), aClaim(), ...VERSIONS.map((name) => aModelVersion(name, { finalizers: [IN_USE_FINALIZER] }))];
  const objects = made
    .map((object) => [{ ...object, apiVersion: object.apiVersion ?? 'v1', kind: object.kind }] as const)
    .reduce((api, [object]) => apply(api, withoutUid(object), server), new Map() as Objects);
  const verified = { conditions: [{ type: 'Ready', status: 'True', reason: 'Verified', message: 'It is.' }] };
  const bound = withStatus(objects, 'PersistentVolumeClaim/models', aClaim().status);
  return VERSIONS.reduce((api, name) => withStatus(api, `ModelVersion/${name}`, verified), bound);
}

function withoutUid<T extends KubeObject>(object: T): T {
  const { uid: _, generation: __, ...metadata } = object.metadata;
  const { status: ___, ...rest } = object as T & { status?: unknown };
  return { ...rest, metadata } as T;
}

/** The user wants this version served. */
export function serve(version: string, replicas = 1): UserStep {
  const service = withoutUid(anInferenceService({ modelVersion: { name: version }, scaling: { replicas } }));
  const words = `the user asks for ${version}${replicas === 1 ? '' : ` with ${replicas} replicas`}`;
  return { words, act: (api, server) => apply(api, service, server) };
}

export const deleteService: UserStep = {
  words: 'the user deletes the service',
  act: (api, server) => deleted(api, SERVICE, server),
};

function versionOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[MODEL_VERSION_LABEL];
}

function readyRevisions(api: Objects): readonly string[] {
  const ready = objectsOfKind<Pod>(api, 'Pod').filter(({ status }) => isReady(status));
  return ready.map((pod) => pod.metadata.labels?.[REVISION_LABEL] ?? '');
}

function selectedRevision(api: Objects): string | undefined {
  const [service] = objectsOfKind<Service>(api, 'Service');
  return service?.spec?.selector?.[REVISION_LABEL];
}

/** Two objects that each believe to be in charge would fight forever. */
function takesOver(after: Objects): string | undefined {
  for (const { content } of after.values()) {
    const controllers = (content.object.metadata.ownerReferences ?? []).filter(({ controller }) => controller === true);
    if (controllers.length > 1) return `${idOf(content.object)} has two controllers.`;
  }
  return undefined;
}

/** A race with the deletion cannot be won, garbage collection sees to that; but a pass that began later must know better. */
function makesChildOfGoneOwner(request: Request, { api, pass }: State, after: Objects): string | undefined {
  const isMade = request.verb === 'apply' && !api.has(request.id) && after.has(request.id);
  if (!isMade || pass?.isOrphan !== true) return undefined;
  return `${request.id} is made again for an owner that was gone before the pass began.`;
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
  const isSelected = deployment.metadata.name === selectedRevision(api);
  if (!isSelected || replicasOf(now) >= Math.min(replicasOf(deployment), replicasKnown(before))) return undefined;
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

/** It answers, and the Service means it, or some node still does. */
function getsRequests({ metadata: { name } }: Deployment, api: Objects): boolean {
  if (!readyRevisions(api).includes(name)) return false;
  const endpoints = objectsOfKind<EndpointSlice>(api, 'EndpointSlice').flatMap(endpointsOf);
  return name === selectedRevision(api) || endpoints.includes(`${name}-pod`);
}

function isOwned(child: KubeObject, api: Objects): boolean {
  return controllerOf(child)?.uid === serviceOf(api)?.metadata.uid;
}

function serviceOf(api: Objects): InferenceService | undefined {
  return api.get(SERVICE)?.content.object as InferenceService | undefined;
}

function movesTrafficToNothing({ api, memory }: State, after: Objects): string | undefined {
  const next = selectedRevision(after);
  const before = selectedRevision(api);
  if (next === undefined || next === before || next === NO_REVISION || memory.includes(next)) return undefined;
  return `The traffic goes to ${next}, which never answered.`;
}

/** The desired end, in the user's words. */
function notAsAsked(api: Objects, service: InferenceService): string | undefined {
  if (service.status?.observedGeneration !== service.metadata.generation)
    return 'The status is of an older generation.';
  if (service.spec.modelVersion.name === BROKEN) {
    return findCondition(service, 'Stalled') === undefined ? 'It is not Stalled.' : undefined;
  }
  const ready = findCondition(service, 'Ready');
  if (ready?.status !== 'True') return `It is not Ready: ${ready?.reason}: ${ready?.message}`;
  return otherDeployments(api, service) ?? otherTraffic(api, service);
}

function otherDeployments(api: Objects, { spec }: InferenceService): string | undefined {
  const serving = objectsOfKind<Deployment>(api, 'Deployment');
  const versions = serving.map(({ metadata }) => metadata.labels?.[MODEL_VERSION_LABEL]);
  if (versions.join() !== spec.modelVersion.name) return `There are Deployments of [${versions.join(', ')}].`;
  const isScaled = serving.every((deployment) => replicasOf(deployment) === spec.scaling.replicas);
  return isScaled ? undefined : 'It has another number of replicas.';
}

function otherTraffic(api: Objects, { spec }: InferenceService): string | undefined {
  const [serving] = objectsOfKind<Deployment>(api, 'Deployment');
  const selected = selectedRevision(api);
  if (selected !== serving?.metadata.name) return `The traffic goes to ${selected}.`;
  const endpoints = objectsOfKind<EndpointSlice>(api, 'EndpointSlice').flatMap(endpointsOf);
  return endpoints.length === Math.min(1, spec.scaling.replicas) ? undefined : 'It has other endpoints.';
}

function leftBehind(api: Objects): string | undefined {
  const left = [...api.values()].map(({ content }) => content.object).filter((object) => controllerOf(object));
  return left.length === 0 ? undefined : `After the service is gone there are still ${left.map(idOf).join(', ')}.`;
}
