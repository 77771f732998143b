import { describe, expect, it } from 'vitest';
import type { Json } from '../driver/api.ts';
import { momentsOf } from '../driver/moments.ts';
import type { Change } from '../driver/observer.ts';
import { endsWhatServes, trafficToUnready, twoVerdicts } from './moment-oracles.ts';

/** As a watch tells it; the place in the list is the version. */
function told(...objects: readonly (Partial<Json> & { readonly isGone?: boolean })[]): Change[] {
  return objects.map(({ isGone = false, ...object }, index) => {
    const metadata = { name: 'flights', ...object.metadata, resourceVersion: String(index + 1) };
    return { atMs: 0, what: '', isGone, object: { apiVersion: 'v1', kind: '', ...object, metadata } };
  });
}

const labels = { 'slipway.dev/revision': 'flights-1', 'kubernetes.io/service-name': 'flights-1' };
const pod = (status: 'True' | 'False') => ({
  kind: 'Pod',
  metadata: { name: 'pod', labels },
  status: { conditions: [{ type: 'Ready', status }] },
});
const slice = (ready: boolean) => ({
  kind: 'EndpointSlice',
  metadata: { name: 'flights-1-x', labels },
  endpoints: [{ conditions: { ready } }],
});
const route = (movedAt: string | undefined, revision = 'flights-1') => ({
  kind: 'TrafficRoute',
  metadata: {
    name: 'flights',
    ownerReferences: [{ kind: 'InferenceService', name: 'flights', uid: 's' }],
    ...(movedAt === undefined ? {} : { annotations: { 'slipway.dev/traffic-moved-at': movedAt } }),
  },
  spec: { backends: [{ revision, weight: 100 }] },
});

describe('trafficToUnready', () => {
  const problem = 'the requests of flights move to flights-1, of which no pod is ready and listed';

  it.each([
    ['ready and listed', told(pod('True'), slice(true), route('now')), []],
    ['listed before anything has answered', told(pod('False'), route(undefined)), []],
    ['ready, and not listed yet', told(pod('True'), slice(false), route('now')), [problem]],
    ['listed, and not ready any more', told(pod('True'), slice(true), pod('False'), route('now')), [problem]],
    ['unready after requests moved', told(pod('True'), slice(true), route('now'), pod('False'), route('now')), []],
  ])('%s', (_, changes, found) => {
    expect(trafficToUnready(momentsOf(changes))).toEqual(found);
  });

  it('goes by the order in which it was stored, whatever watch told first', () => {
    const changes = told(pod('True'), slice(true), route('now'));

    expect(trafficToUnready(momentsOf(changes.toReversed()))).toEqual([]);
  });
});

describe('endsWhatServes', () => {
  const service = { kind: 'InferenceService', metadata: { name: 'flights', uid: 's' } };
  const deployment = {
    kind: 'Deployment',
    metadata: { name: 'flights-1', ownerReferences: [{ kind: 'InferenceService', name: 'flights', uid: 's' }] },
  };
  const gone = { ...deployment, isGone: true };

  it.each([
    ['while it gets the requests', told(service, deployment, route('now'), gone), 1],
    ['when another gets them', told(service, deployment, route('now', 'flights-2'), gone), 0],
    ['with its service', told(service, deployment, route('now'), { ...service, isGone: true }, gone), 0],
  ])('%s', (_, changes, count) => {
    expect(endsWhatServes(momentsOf(changes))).toHaveLength(count);
  });
});

describe('twoVerdicts', () => {
  const model = (least: number) => ({ kind: 'Model', metadata: { name: 'delay' }, spec: { gates: [{ least }] } });
  const version = (status: string) => ({
    kind: 'ModelVersion',
    metadata: { name: 'delay-1', uid: 'v' },
    spec: { model: { name: 'delay' } },
    status: { conditions: [{ type: 'GatesPassed', status }] },
  });

  it.each([
    ['one, which is not known for a while', told(model(1), version('True'), version('Unknown'), version('True')), []],
    ['another by other gates', told(model(1), version('True'), model(2), version('False')), []],
    [
      'another by the same',
      told(model(1), version('True'), version('Unknown'), version('False')),
      ['ModelVersion/delay-1 has failed, and had passed by the same gates'],
    ],
  ])('%s', (_, changes, found) => {
    expect(twoVerdicts(momentsOf(changes))).toEqual(found);
  });
});
