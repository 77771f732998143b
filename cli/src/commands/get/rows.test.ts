import type { TrafficRoute } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import type { KindName, SlipwayObject } from '../../cluster/kinds.ts';
import { serviceObject, condition, object } from '../../testing/objects.ts';
import { renderTable } from '../../terminal/table.ts';
import { NOTHING_MEASURED } from './read-traffic.ts';
import type { Measured } from './read-traffic.ts';
import { tableOf } from './rows.ts';
import type { RowOptions } from './rows.ts';

const OPTIONS: RowOptions = {
  allNamespaces: false,
  wide: false,
  now: new Date('2026-11-23T12:00:00Z'),
  measured: NOTHING_MEASURED,
};

function lines(kind: KindName, objects: readonly SlipwayObject[], options: Partial<RowOptions> = {}): string[][] {
  const text = renderTable(tableOf(kind, objects, { ...OPTIONS, ...options }), { width: undefined });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {3,}/));
}

/** `flights-5b7` is what serves. */
function measured(weights: Record<string, number>, shares: Record<string, number> = {}): Measured {
  const backends = Object.entries(weights).map(([revision, weight]) => ({ revision, weight }));
  const route = { metadata: { name: 'flights', namespace: 'team' }, spec: { sequence: 3, backends } };
  const traffic = { rate: 132.4, p99: 0.0123, errors: 0.004, shares: new Map(Object.entries(shares)) };
  return {
    ...NOTHING_MEASURED,
    routes: new Map([['team/flights', route as unknown as TrafficRoute]]),
    traffic: new Map([['team/flights', traffic]]),
  };
}

describe('the line of a service', () => {
  it('says version, traffic, ready pods and live numbers', () => {
    const [head, line] = lines('InferenceService', [serviceObject()], {
      measured: measured({ 'flights-5b7': 100 }, { 'flights-5b7': 1 }),
    });

    expect(head).toEqual(['NAME', 'VERSION', 'TRAFFIC', 'READY', 'RATE', 'P99', 'ERRORS', 'AGE', 'REASON']);
    expect(line).toEqual(['flights', 'delay-1', '100%', '2/2', '132/s', '12ms', '0.4%', '60m']);
  });

  it('shows what could not be measured as -', () => {
    expect(lines('InferenceService', [serviceObject()])[1]?.slice(4, 7)).toEqual(['-', '-', '-']);
  });

  it.each([
    ['100%', { 'flights-5b7': 100 }, {}],
    ['90%', { 'flights-5b7': 90, 'flights-9c1': 10 }, {}],
    ['90%', { 'flights-5b7': 90, 'flights-9c1': 10 }, { 'flights-5b7': 0.904, 'flights-9c1': 0.096 }],
    ['90% seen 75%', { 'flights-5b7': 90, 'flights-9c1': 10 }, { 'flights-5b7': 0.75, 'flights-9c1': 0.25 }],
    ['100% seen 0%', { 'flights-5b7': 100 }, { 'flights-9c1': 1 }],
    ['-', {}, {}],
  ])('shows as traffic %s where the weights are %j and the shares that were seen %j', (text, weights, shares) => {
    const [, line] = lines('InferenceService', [serviceObject()], { measured: measured(weights, shares) });

    expect(line?.[2]).toBe(text);
  });

  it('gives the reason where it is not ready, while the version from before answers', () => {
    const service = serviceObject({
      conditions: [
        condition('Ready', 'False', 'ImagePullFailed', 'Image "x" cannot be pulled.'),
        condition('Stalled', 'True', 'ImagePullFailed'),
        condition('Serving', 'True', 'StableServes'),
      ],
    });

    const line = lines('InferenceService', [service])[1]?.join(' ');
    expect(line).toBe('flights delay-1 - 2/2 - - - 60m ImagePullFailed: Image "x" cannot be pulled.');
  });

  it('does not take an old status for the state of a new spec', () => {
    const [, line] = lines('InferenceService', [serviceObject({ observedGeneration: 1 }, { generation: 2 })]);

    expect(line?.at(-1)).toMatch(/^NotObserved: The operator has not looked at this change yet/);
  });
});

it('shows the version that is asked for as long as none has answered', () => {
  const fresh = { ...serviceObject(), status: {} } as SlipwayObject;

  expect(lines('InferenceService', [fresh])[1]?.slice(0, 4)).toEqual(['flights', 'delay-1', '0%', '0/2']);
});

it('tells of a ModelVersion whose it is, whether it is used, and its metrics', () => {
  const version = object('ModelVersion', 'delay-3', {
    model: { name: 'delay' },
    number: 3,
    artifact: { store: { name: 'default' }, path: 'm', digest: 'sha256:ab', format: 'Onnx' },
    metrics: [
      { name: 'auc', value: 0.712345 },
      { name: 'logloss', value: 0.5 },
    ],
  });

  expect(lines('ModelVersion', [version])[1]).toEqual(['delay-3', 'delay', '3', 'yes', 'no', 'auc=0.7123 +1', '60m']);
});

it('tells of an alias and of an approval who said so, and how far that can be believed', () => {
  const said = { modelVersion: { name: 'delay-3' }, by: 'ana' };
  const alias = object('ModelAlias', 'delay.champion', said, { status: { by: 'Verified' } });
  const approval = object('Approval', 'delay-3.ana', { ...said, decision: 'Rejected' });

  expect(lines('ModelAlias', [alias])[1]?.slice(0, 4)).toEqual(['delay.champion', 'delay-3', 'ana', 'Verified']);
  expect(lines('Approval', [approval])[1]?.slice(0, 5)).toEqual(['delay-3.ana', 'delay-3', 'Rejected', 'ana', '-']);
});

it('names the namespace of each where there are several', () => {
  const [head, line] = lines('Store', [object('Store', 'default', { uri: 'pvc://lake', access: 'ReadWrite' })], {
    allNamespaces: true,
  });

  expect([head?.[0], line?.[0]]).toEqual(['NAMESPACE', 'team']);
});
