/** plan and status of an InferenceService, from the same observations. */
import type { ControllerRevision, Deployment, Service } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aModelVersion, anInferenceService, aStore, NOW, WORKLOADS } from '../../testing/fixtures.ts';
import { buildAddress, buildControllerRevision, buildDeployment } from './build-children.ts';
import { buildPodTemplate } from './build-pod-template.ts';
import type { ObservedRevision, ObservedService, Resolved } from './observe.ts';
import { planService } from './plan.ts';
import { resolveFacts, revisionName } from './revision.ts';
import { serviceStatus } from './status.ts';

const context = { now: NOW, config: WORKLOADS };
const spec = (version: string, replicas = 2) => ({ modelVersion: { name: version }, scaling: { replicas } });
const factsOf = (version: string) => resolveFacts(anInferenceService(spec(version)), aModelVersion(version), aStore());
const nameOf = (version: string) => revisionName('flights', factsOf(version));
const resolved = (version: string): Resolved => ({ facts: factsOf(version) });

/** A revision with a snapshot and a Deployment. */
function revision(version: string, more: Partial<ObservedRevision> & { number?: number } = {}): ObservedRevision {
  const name = nameOf(version);
  const facts = factsOf(version);
  const config = { ...WORKLOADS, servingRuntimeImage: 'slipway/serving-runtime:old' };
  const template = buildPodTemplate({ service: 'flights', revision: name, facts, config });
  const data = { facts, runtimeImage: config.servingRuntimeImage, template };
  const service = anInferenceService(spec(version));
  return {
    name,
    snapshot: buildControllerRevision(service, { name, data }, more.number ?? 1) as NonNullable<
      ObservedRevision['snapshot']
    >,
    data,
    deployment: buildDeployment(service, { name, data }, 2),
    pods: [],
    ready: 2,
    trouble: undefined,
    hasEndpoints: false,
    ...more,
  };
}

interface Scene {
  readonly wants?: string;
  readonly replicas?: number;
  readonly stable?: string | undefined;
  readonly switchedAt?: string;
  readonly revisions?: readonly ObservedRevision[];
  readonly resolved?: Resolved;
  readonly address?: undefined;
}

function scene(given: Scene): ObservedService {
  const { wants = 'v1', replicas = 2, stable, switchedAt, revisions = [] } = given;
  const service = anInferenceService(spec(wants, replicas));
  const address = buildAddress(service, { revision: stable === undefined ? 'none' : nameOf(stable), switchedAt });
  return {
    service,
    address: 'address' in given ? undefined : address,
    budgets: [],
    revisions: [...revisions].sort((a, b) => (a.name < b.name ? -1 : 1)),
    resolved: given.resolved ?? resolved(wants),
  };
}

/** What a plan does, in a few words. */
function summary(observed: ObservedService) {
  const plan = planService(observed, context);
  const of = <T>(kind: string) =>
    plan.apply.filter((child) => child.kind.kind === kind).map(({ object }) => object as T);
  const [address] = of<Service>('Service');
  return {
    traffic: address?.spec?.selector?.['slipway.dev/revision'],
    switchedAt: address?.metadata.annotations?.['slipway.dev/switched-at'],
    pods: Object.fromEntries(
      of<Deployment>('Deployment').map(({ metadata, spec: { replicas } = {} }) => [metadata.name, replicas]),
    ),
    deleted: plan.prune.map(({ kind, object }) => `${kind.kind} ${object.metadata.name}`),
    next: plan.next,
    snapshots: of<ControllerRevision>('ControllerRevision'),
    budgets: of('PodDisruptionBudget').length,
  };
}

const missing: Resolved = { problem: { reason: 'ModelVersionNotFound', message: 'no such version', isFinal: false } };
const LONG_AGO = '2026-11-23T09:00:00.000Z';
const JUST_NOW = '2026-11-23T09:59:57.000Z';

describe('planService', () => {
  it('gives a new service its address and its pods at once, and no traffic', () => {
    const plan = summary(scene({ address: undefined }));
    expect(plan).toMatchObject({
      traffic: 'none',
      pods: { [nameOf('v1')]: 2 },
      deleted: [],
      next: { kind: 'settled' },
    });
    expect(plan.switchedAt).toBeUndefined();
  });

  it('gives the address even while there is no model, and makes nothing else', () => {
    expect(summary(scene({ resolved: missing, replicas: 1 }))).toMatchObject({ traffic: 'none', pods: {}, budgets: 0 });
  });

  it('gives the traffic to the first revision as soon as one of its pods answers', () => {
    expect(summary(scene({ revisions: [revision('v1', { ready: 1 })] })).traffic).toBe(nameOf('v1'));
  });

  it('makes the candidate with all its pods beside a stable revision that is ill', () => {
    const plan = summary(scene({ wants: 'v2', stable: 'v1', revisions: [revision('v1', { ready: 0 })] }));
    expect(plan).toMatchObject({ traffic: nameOf('v1'), pods: { [nameOf('v1')]: 2, [nameOf('v2')]: 2 }, deleted: [] });
  });

  it('does not switch while one pod of the candidate is missing', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 1 })];
    expect(summary(scene({ wants: 'v2', stable: 'v1', revisions }))).toMatchObject({
      traffic: nameOf('v1'),
      deleted: [],
    });
  });

  it('switches in one apply when all pods of the candidate answer, and comes back for the old ones', () => {
    const revisions = [revision('v1', { hasEndpoints: true }), revision('v2')];
    expect(summary(scene({ wants: 'v2', stable: 'v1', switchedAt: LONG_AGO, revisions }))).toMatchObject({
      traffic: nameOf('v2'),
      switchedAt: NOW.toISOString(),
      pods: { [nameOf('v2')]: 2 },
      deleted: [],
      next: { kind: 'requeueAfter', ms: 10_000 },
    });
  });

  it('keeps the old pods until the drain time has passed', () => {
    const revisions = [revision('v1'), revision('v2')];
    expect(summary(scene({ wants: 'v2', stable: 'v2', switchedAt: JUST_NOW, revisions }))).toMatchObject({
      switchedAt: JUST_NOW,
      deleted: [],
      next: { kind: 'requeueAfter', ms: 7_000 },
    });
  });

  it('keeps the old pods while the Service still lists them, however late it is', () => {
    const revisions = [revision('v1', { hasEndpoints: true }), revision('v2')];
    const plan = summary(scene({ wants: 'v2', stable: 'v2', switchedAt: LONG_AGO, revisions }));
    expect(plan).toMatchObject({ deleted: [], next: { kind: 'settled' } });
  });

  it('ends the old pods after that, and keeps the snapshot', () => {
    const revisions = [revision('v1'), revision('v2')];
    expect(summary(scene({ wants: 'v2', stable: 'v2', switchedAt: LONG_AGO, revisions })).deleted).toEqual([
      `Deployment ${nameOf('v1')}`,
    ]);
  });

  it('replaces a broken candidate by a newer one at once', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 0 })];
    const plan = summary(scene({ wants: 'v3', stable: 'v1', switchedAt: LONG_AGO, revisions }));
    expect(plan).toMatchObject({ traffic: nameOf('v1'), pods: { [nameOf('v1')]: 2, [nameOf('v3')]: 2 } });
    expect(plan.deleted).toEqual([`Deployment ${nameOf('v2')}`]);
  });

  it('only drops the candidate when the spec goes back to what serves', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 0 })];
    const plan = summary(scene({ wants: 'v1', stable: 'v1', switchedAt: LONG_AGO, revisions }));
    expect(plan).toMatchObject({ traffic: nameOf('v1'), switchedAt: LONG_AGO, pods: { [nameOf('v1')]: 2 } });
    expect(plan.deleted).toEqual([`Deployment ${nameOf('v2')}`]);
  });

  it('keeps what serves when the wanted version is missing', () => {
    const plan = summary(scene({ wants: 'v9', stable: 'v1', resolved: missing, revisions: [revision('v1')] }));
    expect(plan).toMatchObject({ traffic: nameOf('v1'), pods: { [nameOf('v1')]: 2 }, deleted: [] });
  });

  it('keeps a candidate of the same spec while its version cannot be read', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 1 })];
    const plan = summary(scene({ wants: 'v2', stable: 'v1', resolved: missing, switchedAt: LONG_AGO, revisions }));
    expect(plan).toMatchObject({ pods: { [nameOf('v1')]: 2, [nameOf('v2')]: 2 }, deleted: [] });
  });

  it('finds what answers when somebody deleted the Service, and ends nothing before', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 0 })];
    expect(summary(scene({ wants: 'v2', address: undefined, revisions }))).toMatchObject({
      traffic: nameOf('v1'),
      deleted: [],
    });
  });

  it('renders pods from the snapshot, so that an upgrade restarts nothing', () => {
    const { apply } = planService(scene({ stable: 'v1', revisions: [revision('v1')] }), context);
    const deployment = apply.find(({ kind }) => kind.kind === 'Deployment')?.object as Deployment;
    expect(deployment.spec?.template.spec?.containers[0]?.image).toBe('slipway/serving-runtime:old');
  });

  it('changes only the number of pods with spec.scaling', () => {
    expect(summary(scene({ stable: 'v1', replicas: 5, revisions: [revision('v1')] }))).toMatchObject({
      pods: { [nameOf('v1')]: 5 },
      budgets: 1,
    });
  });

  it('starts one pod for a new revision at zero replicas, and none once it has answered', () => {
    expect(summary(scene({ replicas: 0 })).pods).toEqual({ [nameOf('v1')]: 1 });
    expect(summary(scene({ replicas: 0, revisions: [revision('v1', { ready: 1 })] })).pods).toEqual({
      [nameOf('v1')]: 0,
    });
  });

  it('numbers a revision that is asked for again as the newest', () => {
    const revisions = [revision('v1', { number: 1 }), revision('v2', { number: 2 })];
    const { snapshots } = summary(scene({ wants: 'v1', stable: 'v2', revisions }));
    expect(snapshots.find(({ metadata }) => metadata.name === nameOf('v1'))?.revision).toBe(3);
  });

  it('keeps ten snapshots', () => {
    const old = Array.from({ length: 12 }, (_, i) => revision(`old-${i}`, { number: i + 1, deployment: undefined }));
    const plan = summary(
      scene({ stable: 'v1', switchedAt: LONG_AGO, revisions: [...old, revision('v1', { number: 13 })] }),
    );
    expect(plan.deleted).toEqual([0, 1, 2].map((i) => `ControllerRevision ${nameOf(`old-${i}`)}`).toReversed());
  });

  it('writes no file of a user and mounts the Store only where it is copied from', () => {
    const template = buildPodTemplate({ service: 'flights', revision: 'r', facts: factsOf('v1'), config: WORKLOADS });
    const mounts = template.spec?.containers[0]?.volumeMounts?.map(({ name }) => name);
    expect(mounts).toEqual(['models', 'tmp']);
    expect(template.spec?.initContainers?.[0]?.env?.[0]?.value).toContain('"from":"/stores/default/team/models/v1"');
  });
});

interface Expected {
  readonly ready: string;
  readonly serving: string;
  readonly upToDate: string;
  readonly also?: string;
}

const trouble = { reason: 'DigestMismatch', message: 'Other bytes.' };
const serving = { hasEndpoints: true };
const statusCases: Record<string, { scene: Scene; expected: Expected }> = {
  'a new service': {
    scene: { address: undefined },
    expected: {
      ready: 'False RevisionStarting',
      serving: 'False NotYetServing',
      upToDate: 'False RolloutInProgress',
      also: 'Reconciling',
    },
  },
  'no such version': {
    scene: { resolved: missing },
    expected: {
      ready: 'False ModelVersionNotFound',
      serving: 'False NotYetServing',
      upToDate: 'False ModelVersionNotFound',
      also: 'Reconciling',
    },
  },
  'a version that failed its verification': {
    scene: { resolved: { problem: { reason: 'ModelVersionNotReady', message: 'm', isFinal: true } } },
    expected: {
      ready: 'False ModelVersionNotReady',
      serving: 'False NotYetServing',
      upToDate: 'False ModelVersionNotReady',
      also: 'Stalled',
    },
  },
  'all is well': {
    scene: { stable: 'v1', revisions: [revision('v1', serving)] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'pods answer before the Service lists them': {
    scene: { stable: 'v1', revisions: [revision('v1')] },
    expected: {
      ready: 'False EndpointsPending',
      serving: 'False EndpointsPending',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'one more pod is starting': {
    scene: { stable: 'v1', revisions: [revision('v1', { ...serving, ready: 1 })] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate', also: 'Reconciling' },
  },
  'no pod answers, out of memory': {
    scene: { stable: 'v1', revisions: [revision('v1', { ready: 0, trouble: { reason: 'OOMKilled', message: 'm' } })] },
    expected: { ready: 'False OOMKilled', serving: 'False OOMKilled', upToDate: 'True UpToDate', also: 'Stalled' },
  },
  'no node has room': {
    scene: {
      stable: 'v1',
      revisions: [revision('v1', { ready: 0, trouble: { reason: 'Unschedulable', message: 'm' } })],
    },
    expected: {
      ready: 'False Unschedulable',
      serving: 'False Unschedulable',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'a candidate starts': {
    scene: { wants: 'v2', stable: 'v1', revisions: [revision('v1', serving), revision('v2', { ready: 0 })] },
    expected: {
      ready: 'False RolloutInProgress',
      serving: 'True StableServes',
      upToDate: 'False RolloutInProgress',
      also: 'Reconciling',
    },
  },
  'a candidate fails': {
    scene: { wants: 'v2', stable: 'v1', revisions: [revision('v1', serving), revision('v2', { ready: 0, trouble })] },
    expected: {
      ready: 'False DigestMismatch',
      serving: 'True StableServes',
      upToDate: 'False DigestMismatch',
      also: 'Stalled',
    },
  },
  'the wanted version is missing while another serves': {
    scene: { wants: 'v9', stable: 'v1', resolved: missing, revisions: [revision('v1', serving)] },
    expected: {
      ready: 'False ModelVersionNotFound',
      serving: 'True StableServes',
      upToDate: 'False ModelVersionNotFound',
      also: 'Reconciling',
    },
  },
  'the version that serves cannot be read for a while': {
    scene: { stable: 'v1', resolved: missing, revisions: [revision('v1', serving)] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'scaled to zero': {
    scene: { stable: 'v1', replicas: 0, revisions: [revision('v1', { ready: 0 })] },
    expected: { ready: 'True ScaledToZero', serving: 'False ScaledToZero', upToDate: 'True UpToDate' },
  },
};

describe('serviceStatus', () => {
  it.each(Object.entries(statusCases))('%s', (_, { scene: given, expected }) => {
    const conditions = serviceStatus(scene(given), context)?.conditions ?? [];
    const of = (type: string) => {
      const found = conditions.find((one) => one.type === type);
      return `${found?.status} ${found?.reason}`;
    };
    expect({ ready: of('Ready'), serving: of('Serving'), upToDate: of('UpToDate') }).toEqual({
      ready: expected.ready,
      serving: expected.serving,
      upToDate: expected.upToDate,
    });
    const abnormal = conditions.map(({ type }) => type).filter((type) => type === 'Reconciling' || type === 'Stalled');
    expect(abnormal).toEqual(expected.also === undefined ? [] : [expected.also]);
  });

  it('tells both sides of a change, where the service is reached, and that the runtime is behind', () => {
    const revisions = [revision('v1', serving), revision('v2', { ready: 1 })];
    expect(serviceStatus(scene({ wants: 'v2', stable: 'v1', revisions }), context)).toMatchObject({
      stable: { revision: nameOf('v1'), modelVersion: 'v1', ready: 2 },
      candidate: { revision: nameOf('v2'), modelVersion: 'v2', ready: 1 },
      address: { http: 'http://flights.team.svc', grpc: 'flights.team.svc:80' },
      runtime: { image: 'slipway/serving-runtime:old', behind: 'slipway/serving-runtime:1' },
    });
  });
});
