import type { KubeObject } from '@slipway/kube';
import { buildAddress, buildTrafficRoute } from '../../../operator/src/controllers/inference-service/build-address.ts';
import {
  buildControllerRevision,
  buildDeployment,
  buildRevisionService,
} from '../../../operator/src/controllers/inference-service/build-children.ts';
import { buildPodTemplate } from '../../../operator/src/controllers/inference-service/build-pod-template.ts';
import type { ObservedRevision, ObservedService } from '../../../operator/src/controllers/inference-service/observe.ts';
import { resolveFacts, revisionName } from '../../../operator/src/controllers/inference-service/revision.ts';
import { serviceStatus } from '../../../operator/src/controllers/inference-service/status.ts';
import { aModelVersion, anInferenceService, aStore, NOW, WORKLOADS } from '../../../operator/src/testing/fixtures.ts';
import { withStatus } from './states.ts';
import type { States } from './states.ts';

const service = anInferenceService();
const factsOf = (version: string) => {
  return resolveFacts(anInferenceService({ modelVersion: { name: version } }), aModelVersion(version), aStore());
};

function revision(version: string, more: Partial<ObservedRevision> = {}): ObservedRevision {
  const facts = factsOf(version);
  const name = revisionName('flights', facts);
  const template = buildPodTemplate({ service: 'flights', revision: name, facts, config: WORKLOADS });
  const snapshot = { name, data: { facts, runtimeImage: WORKLOADS.servingRuntimeImage, template } };
  return {
    ...snapshot,
    snapshot: buildControllerRevision(service, snapshot, 1) as NonNullable<ObservedRevision['snapshot']>,
    deployment: buildDeployment(service, snapshot, 1),
    service: buildRevisionService(service, snapshot),
    pods: [],
    ready: 1,
    listed: more.ready ?? 1,
    trouble: undefined,
    ...more,
  };
}

const gateway = {
  address: '10.0.0.1',
  family: 'IPv4',
  port: 8080,
  conditions: { ready: true },
  nodeName: undefined,
  zone: undefined,
  targetRef: undefined,
};

/** All requests go to the first of the revisions; the spec asks for `wants`. */
function aServiceThat(
  wants: string,
  revisions: readonly ObservedRevision[],
  more: Partial<ObservedService> = {},
): KubeObject {
  const [stable] = revisions.filter(({ ready }) => ready > 0);
  const traffic = stable && {
    stable: stable.name,
    weights: { [stable.name]: 100 },
    mirrors: {},
    movedAt: NOW.toISOString(),
  };
  const route = traffic && buildTrafficRoute(service, traffic, undefined);
  const observed = {
    service: anInferenceService({ modelVersion: { name: wants } }),
    address: buildAddress(service),
    addressSlices: [],
    hosts: [],
    gatewayRoutes: [],
    route,
    gateways: [gateway],
    applied: [{ address: gateway.address, sequence: 1 }],
    budgets: [],
    rollouts: [],
    revisions,
    unservable: new Map<string, string>(),
    resolved: { version: wants, facts: factsOf(wants) },
    replicas: 1,
    ...more,
  };
  return withStatus(observed.service, serviceStatus(observed, { now: NOW, config: WORKLOADS }));
}

const old = revision('delay-1');
const starting = { ready: 0 };
const unschedulable = { ready: 0, trouble: { reason: 'Unschedulable', message: 'No node has room.' } };
const crashes = { ready: 0, trouble: { reason: 'ContainerFailed', message: 'It ended with exit code 1.' } };
const problem = (isFinal: boolean) => ({
  version: 'delay-2',
  problem: { reason: 'ModelVersionNotReady', message: 'ModelVersion "delay-2" is not ready.', isFinal },
});

export function inferenceServices(): States {
  return {
    'nothing runs yet': ['InProgress', aServiceThat('delay-1', [])],
    'the first pods start': ['InProgress', aServiceThat('delay-1', [revision('delay-1', starting)])],
    'the first pods crash': ['Failed', aServiceThat('delay-1', [revision('delay-1', crashes)])],
    'no node has room': ['InProgress', aServiceThat('delay-1', [revision('delay-1', unschedulable)])],
    'all pods answer': ['Current', aServiceThat('delay-1', [old])],
    'one more pod starts': ['InProgress', aServiceThat('delay-1', [old], { replicas: 2 })],
    'there is no gateway': ['InProgress', aServiceThat('delay-1', [old], { gateways: [], applied: [] })],
    'a gateway follows no route': [
      'InProgress',
      aServiceThat('delay-1', [old], { applied: [{ address: gateway.address, sequence: 0 }] }),
    ],
    'it was scaled to zero': ['Current', scaledToZero()],
    'another version is asked for': ['InProgress', aServiceThat('delay-2', [old])],
    'another version starts': ['InProgress', aServiceThat('delay-2', [old, revision('delay-2', starting)])],
    'another version crashes, and the old one serves': [
      'Failed',
      aServiceThat('delay-2', [old, revision('delay-2', crashes)]),
    ],
    'the version that is asked for is not ready': [
      'InProgress',
      aServiceThat('delay-2', [old], { resolved: problem(false) }),
    ],
    'the version that is asked for will not be ready': [
      'Failed',
      aServiceThat('delay-2', [old], { resolved: problem(true) }),
    ],
  };
}

function scaledToZero(): KubeObject {
  const traffic = { stable: old.name, weights: { [old.name]: 100 }, mirrors: {}, movedAt: NOW.toISOString() };
  const more = { replicas: 0, route: buildTrafficRoute(service, traffic, undefined) };
  return aServiceThat('delay-1', [revision('delay-1', starting)], more);
}
