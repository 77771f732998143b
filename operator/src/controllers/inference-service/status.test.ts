/** The status of an InferenceService. */
import { describe, expect, it } from 'vitest';
import { WORKLOADS } from '../../testing/fixtures.ts';
import { serviceStatus } from './status.ts';
import { context, nameOf, revision, SEQUENCE, WAKES_UP, scene, missing } from '../../testing/service-scenes.ts';
import type { Scene } from '../../testing/service-scenes.ts';

interface Expected {
  readonly ready: string;
  readonly serving: string;
  readonly upToDate: string;
  readonly also?: string;
}

const trouble = { reason: 'DigestMismatch', message: 'Other bytes.' };
const statusCases: Record<string, { scene: Scene; expected: Expected }> = {
  'a new service': {
    scene: {},
    expected: {
      ready: 'False RevisionStarting',
      serving: 'False NotYetServing',
      upToDate: 'False RolloutInProgress',
      also: 'Reconciling',
    },
  },
  'no such version': {
    scene: { resolved: missing('v1') },
    expected: {
      ready: 'False ModelVersionNotFound',
      serving: 'False NotYetServing',
      upToDate: 'False ModelVersionNotFound',
      also: 'Reconciling',
    },
  },
  'a version that failed its verification': {
    scene: { resolved: { version: 'v1', problem: { reason: 'ModelVersionNotReady', message: 'm', isFinal: true } } },
    expected: {
      ready: 'False ModelVersionNotReady',
      serving: 'False NotYetServing',
      upToDate: 'False ModelVersionNotReady',
      also: 'Stalled',
    },
  },
  'all is well': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'pods answer before Kubernetes lists them': {
    scene: { route: { v1: 100 }, revisions: [revision('v1', { listed: 0 })] },
    expected: {
      ready: 'False EndpointsPending',
      serving: 'False EndpointsPending',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'no gateway is ready': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], gateways: [] },
    expected: {
      ready: 'False NoGateway',
      serving: 'False NoGateway',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'no gateway knows the route yet': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], applies: 0 },
    expected: {
      ready: 'False GatewaysPending',
      serving: 'False GatewaysPending',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'a gateway follows an older route': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], applies: SEQUENCE - 1 },
    expected: {
      ready: 'False GatewaysPending',
      serving: 'True Serving',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'the gateways have not told yet, after a start of the operator': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], applies: undefined },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'one more pod is starting': {
    scene: { route: { v1: 100 }, revisions: [revision('v1', { ready: 1 })] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate', also: 'Reconciling' },
  },
  'no pod answers, out of memory': {
    scene: {
      route: { v1: 100 },
      revisions: [revision('v1', { ready: 0, trouble: { reason: 'OOMKilled', message: 'm' } })],
    },
    expected: { ready: 'False OOMKilled', serving: 'False OOMKilled', upToDate: 'True UpToDate', also: 'Stalled' },
  },
  'no node has room': {
    scene: {
      route: { v1: 100 },
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
    scene: { wants: 'v2', route: { v1: 100 }, revisions: [revision('v1'), revision('v2', { ready: 0 })] },
    expected: {
      ready: 'False RolloutInProgress',
      serving: 'True StableServes',
      upToDate: 'False RolloutInProgress',
      also: 'Reconciling',
    },
  },
  'a candidate fails': {
    scene: { wants: 'v2', route: { v1: 100 }, revisions: [revision('v1'), revision('v2', { ready: 0, trouble })] },
    expected: {
      ready: 'False DigestMismatch',
      serving: 'True StableServes',
      upToDate: 'False DigestMismatch',
      also: 'Stalled',
    },
  },
  'the wanted version is missing while another serves': {
    scene: { wants: 'v9', route: { v1: 100 }, resolved: missing('v9'), revisions: [revision('v1')] },
    expected: {
      ready: 'False ModelVersionNotFound',
      serving: 'True StableServes',
      upToDate: 'False ModelVersionNotFound',
      also: 'Reconciling',
    },
  },
  'the version that serves cannot be read for a while': {
    scene: { route: { v1: 100 }, resolved: missing('v1'), revisions: [revision('v1')] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'without pods while nobody asks': {
    scene: { route: { v1: 100 }, replicas: 0, scaling: WAKES_UP, revisions: [revision('v1', { ready: 0 })] },
    expected: { ready: 'True ScaledToZero', serving: 'True ScaledToZero', upToDate: 'True UpToDate' },
  },
  'without pods, and without a gateway where a request could wait for one': {
    scene: {
      route: { v1: 100 },
      replicas: 0,
      scaling: WAKES_UP,
      gateways: [],
      revisions: [revision('v1', { ready: 0 })],
    },
    expected: { ready: 'True ScaledToZero', serving: 'False NoGateway', upToDate: 'True UpToDate' },
  },
  'scaled to zero': {
    scene: { route: { v1: 100 }, replicas: 0, revisions: [revision('v1', { ready: 0 })] },
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

  it('says whether the install keeps the samples that the spec asks for, also while the service serves', () => {
    const sampling = { percent: 5, maxPerMinute: 600, maxBytes: '16Ki' };
    const observed = scene({ route: { v1: 100 }, revisions: [revision('v1')], sampling });
    const said = (keepsSamples: boolean, seen = observed) => {
      const { conditions = [] } = serviceStatus(seen, { ...context, config: { ...WORKLOADS, keepsSamples } }) ?? {};
      const wanted = conditions.filter(({ type }) => /^(?:Ready|Serving|Sampled|Stalled)$/.test(type));
      return Object.fromEntries(wanted.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
    };
    const serving = { Serving: 'True Serving' };
    const kept = { ...serving, Ready: 'True UpToDate', Sampled: 'True Sampled' };
    expect(said(true)).toEqual(kept);
    const disabled = 'False SamplingDisabled';
    expect(said(false)).toEqual({ ...serving, Ready: disabled, Sampled: disabled, Stalled: 'True SamplingDisabled' });
    expect(said(true, { ...observed, gateways: [] })['Sampled']).toBe('False NoGateway');
    expect(said(false, scene({ route: { v1: 100 }, revisions: [revision('v1')] }))).toEqual({
      ...serving,
      Ready: 'True UpToDate',
    });
  });

  it('tells both sides of a change, where the service is reached, and that the runtime is behind', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 1 })];
    expect(serviceStatus(scene({ wants: 'v2', route: { v1: 100 }, revisions }), context)).toMatchObject({
      stable: { revision: nameOf('v1'), modelVersion: 'v1', ready: 2 },
      candidate: { revision: nameOf('v2'), modelVersion: 'v2', ready: 1 },
      address: { http: 'http://flights.team.svc', grpc: 'flights.team.svc:80' },
      runtime: { image: 'slipway/serving-runtime:old', behind: 'slipway/serving-runtime:1' },
    });
  });
});
