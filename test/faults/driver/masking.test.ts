import { describe, expect, it } from 'vitest';
import type { Json } from './api.ts';
import { maskState, notRestored, stableJobName, stateDifferences } from './masking.ts';

function object(kind: string, name: string, more: Partial<Json> & { meta?: object } = {}): Json {
  const { meta, ...rest } = more;
  const metadata = { name, namespace: 'run-1', uid: `uid-of-${name}`, resourceVersion: '7', ...meta };
  return { apiVersion: 'v1', kind, metadata, ...rest };
}

/** What the same run leaves in another namespace, at another time. */
function elsewhere(objects: readonly Json[]): Json[] {
  const text = JSON.stringify(objects)
    .replaceAll('run-1', 'run-2')
    .replaceAll('uid-of-', 'other-uid-of-')
    .replaceAll('"resourceVersion":"7"', '"resourceVersion":"99"')
    .replaceAll('-x1y2z', '-a9b8c')
    .replaceAll('2026-01-01T00:00:00Z', '2027-02-02T11:11:11.123Z')
    .replaceAll('10.0.3.4', '10.0.9.9')
    .replaceAll('MIIBiT', 'MIIBij');
  return JSON.parse(text) as Json[];
}

const job = object('Job', 'verify', { spec: { completions: 1 }, status: { startTime: '2026-01-01T00:00:00Z' } });
const pod = object('Pod', 'verify-x1y2z', {
  meta: { generateName: 'verify-', ownerReferences: [{ kind: 'Job', name: 'verify', uid: 'uid-of-verify' }] },
  status: { phase: 'Succeeded', podIP: '10.0.3.4' },
});
const service = object('Service', 'flights', {
  spec: { clusterIP: '10.0.3.4', host: 'flights.run-1.svc', target: 'verify-x1y2z' },
});
const certificate = '-----BEGIN CERTIFICATE-----\nMIIBiT==\n-----END CERTIFICATE-----\n';
const authority = { ...object('ConfigMap', 'kube-root-ca.crt'), data: { 'ca.crt': certificate } };
const objects = [job, pod, service, authority];

describe('stableJobName', () => {
  it.each([
    ['delay-1-verify-445af1', 'delay-1-verify-*'],
    ['delay-1-bbbbbb-verify-a5db79', 'delay-*-bbbbbb-verify-*'],
    ['delay-12-bbbbbb-verify-a5db79-*', 'delay-*-bbbbbb-verify-*-*'],
    ['weather-0a1b2c3d-1', 'weather-*-1'],
    ['delay-xgb-publish-1', 'delay-xgb-publish-1'],
  ])('%s becomes %s', (name, wanted) => {
    expect(stableJobName(name)).toBe(wanted);
  });
});

describe('maskState', () => {
  it('lets the number of a version have a gap, and nothing else of it', () => {
    const version = (number: number, digest: string) =>
      maskState(
        [
          object('ModelVersion', `delay-${number}-bbbbbb`, {
            spec: { number, digest },
            status: { of: `delay-${number}-bbbbbb` },
          }),
        ],
        'run-1',
      );

    expect(version(1, 'b')).toEqual(version(2, 'b'));
    expect(version(1, 'b')).not.toEqual(version(1, 'c'));
  });

  it('masks the run of a training whose first version had no status yet', () => {
    const training = (status: Readonly<Record<string, unknown>>) => object('TrainingJob', 'delay-xgb', { status });
    const state = (run: string) => maskState([training({ run })], 'run-1', [training({})]);

    expect(state('sha256:aaaaaaaaaaaaaaaaaaaa')).toEqual(state('sha256:bbbbbbbbbbbbbbbbbbbb'));
  });

  it('makes two runs of the same equal', () => {
    const other = maskState(elsewhere(objects), 'run-2');

    expect(stateDifferences(maskState(objects, 'run-1'), other)).toEqual([]);
    expect(Object.keys(other)).toEqual(['ConfigMap/kube-root-ca.crt', 'Job/verify', 'Pod/verify-*', 'Service/flights']);
  });

  it('does not depend on the order of the objects', () => {
    const twin = object('Pod', 'verify-q5q5q', { meta: { generateName: 'verify-' }, status: { phase: 'Failed' } });

    expect(maskState([pod, twin], 'run-1')).toEqual(maskState([twin, pod], 'run-1'));
    expect(Object.keys(maskState([pod, twin], 'run-1'))).toHaveLength(2);
  });

  it.each<[string, (all: Json[]) => Json[], string]>([
    ['an object that is missing', (all) => all.filter(({ kind }) => kind !== 'Service'), 'Service/flights: wanted'],
    ['an object too many', (all) => [...all, object('Job', 'verify-2')], 'Job/verify-2: wanted nothing'],
    [
      'another field in a spec',
      (all) => all.map((each) => (each.kind === 'Job' ? { ...each, spec: { completions: 2 } } : each)),
      'Job/verify › spec › completions: wanted 1, got 2',
    ],
    [
      'an owner with another uid',
      (all) =>
        all.map((each) => (each.kind === 'Job' ? { ...each, metadata: { ...each.metadata, uid: 'new' } } : each)),
      'ownerReferences › 0 › uid: wanted "<uid of Job/verify>", got "uid-of-verify"',
    ],
  ])('shows %s', (_, change, wanted) => {
    const differences = stateDifferences(maskState(objects, 'run-1'), maskState(change(objects), 'run-1'));

    expect(differences.join('\n')).toContain(wanted);
  });
});

describe('notRestored', () => {
  const state = (generation: number, serves: string) => ({
    'InferenceService/flights': { metadata: { generation }, status: { observedGeneration: generation, serves } },
  });

  it('lets counters rise and new objects stay', () => {
    expect(notRestored(state(1, 'delay-1'), { ...state(3, 'delay-1'), 'ModelVersion/broken': {} })).toEqual([]);
  });

  it('shows what is not as it was', () => {
    const [line] = notRestored(state(1, 'delay-1'), state(3, 'broken'));

    expect(line).toContain('status › serves: wanted "delay-1", got "broken"');
  });
});

it('the endpoints of a slice have no order', () => {
  const slice = (...hostnames: readonly string[]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a', uid: 'u' },
    endpoints: hostnames.map((hostname) => ({ hostname })),
  });

  expect(maskState([slice('b', 'a')], 'team')).toEqual(maskState([slice('a', 'b')], 'team'));
});

it('how often an autoscaler has written is not told, where there is one', () => {
  const scaled = (generation: number, scaling: object) =>
    maskState(
      [
        {
          ...object('InferenceService', 'flights', { meta: { generation }, spec: { scaling } }),
          apiVersion: 'slipway.dev/v1alpha1',
          status: { observedGeneration: generation, replicas: 2 },
        },
      ],
      'run-1',
    );
  const target = { concurrency: 4 };

  expect(stateDifferences(scaled(5, { target }), scaled(7, { target }))).toEqual([]);
  expect(stateDifferences(scaled(5, {}), scaled(7, {}))).toHaveLength(2);
});
