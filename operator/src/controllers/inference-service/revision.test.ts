import { describe, expect, it } from 'vitest';
import { aModelVersion, anInferenceService, aStore } from '../../testing/fixtures.ts';
import { matchesAsked, resolveFacts, revisionName } from './revision.ts';

const name = (spec: Parameters<typeof anInferenceService>[0] = {}, version = aModelVersion(), store = aStore()) =>
  revisionName('flights', resolveFacts(anInferenceService(spec), version, store));

describe('revisionName', () => {
  it('is the service and eight digits', () => {
    expect(name()).toMatch(/^flights-[0-9a-f]{8}$/);
  });

  it('is what it was before: an upgrade makes no revision', () => {
    expect(name()).toBe('flights-8b279776');
    const spec = { settings: { instances: 2 }, resources: { requests: { cpu: 1 } }, refresh: 'x' };
    expect(name(spec)).toBe('flights-d1ba7814');
  });

  it.each([
    ['the number of pods', { scaling: { replicas: 7 } }],
    [
      'how a time is written',
      { settings: { instances: 1, timeout: '1m' } },
      { settings: { instances: 1, timeout: '60s' } },
    ],
    ['how a quantity is written', { resources: { requests: { cpu: '1' } } }, { resources: { requests: { cpu: 1 } } }],
  ])('is the same whatever %s', (_, a, b: Parameters<typeof anInferenceService>[0] = {}) => {
    expect(name(a)).toBe(name(b));
  });

  it.each([
    ['the model', { modelVersion: { name: 'delay-2' } }, aModelVersion('delay-2')],
    ['settings', { settings: { instances: 2 } }],
    ['a setting that was not given before', { settings: { instances: 1, cache: '1Mi' } }],
    ['resources', { resources: { limits: { memory: '1Gi' } } }],
    ['the runtime', { runtime: { kind: 'ServingRuntime' as const, name: 'mlserver' } }],
    ['variables', { env: [{ name: 'A', value: '1' }] }],
    ['pull secrets', { imagePullSecrets: [{ name: 'registry' }] }],
    ['the service account', { serviceAccountName: 'flights' }],
    ['what else pods have', { pod: { spec: { nodeSelector: { disk: 'fast' } } } }],
    ['refresh', { refresh: '2026-11-23' }],
    ['steps', {}, aModelVersion('delay-1', {}, { serve: { before: { image: 'a', port: 9001 } } })],
    ['where the Store is', {}, aModelVersion(), aStore({ uri: 'pvc://other' })],
  ])('changes with %s', (_, spec, version = aModelVersion(), store = aStore()) => {
    expect(name(spec, version, store)).not.toBe(name());
  });

  it('changes with the bytes of a version that was made again under its name', () => {
    const again = aModelVersion();
    again.spec.artifact.digest = `sha256:${'b'.repeat(64)}`;
    expect(name({}, again)).not.toBe(name());
  });
});

describe('matchesAsked', () => {
  const asked = (spec: Parameters<typeof anInferenceService>[0] = {}, modelVersion?: string) => {
    return { ...anInferenceService(spec).spec, modelVersion };
  };
  const facts = resolveFacts(anInferenceService({ resources: { requests: { cpu: 1 } } }), aModelVersion(), aStore());

  it('finds the revision of a spec without looking anything up', () => {
    const resources = { requests: { cpu: '1' } };
    expect(matchesAsked(facts, asked({ resources, scaling: { replicas: 3 } }, 'delay-1'))).toBe(true);
    expect(matchesAsked(facts, asked({ resources }, 'delay-2'))).toBe(false);
    expect(matchesAsked(facts, asked({ resources }))).toBe(false);
    expect(matchesAsked(facts, asked({}, 'delay-1'))).toBe(false);
    expect(matchesAsked(facts, asked({ resources, refresh: 'x' }, 'delay-1'))).toBe(false);
    const runtime = { kind: 'ServingRuntime' as const, name: 'mlserver' };
    expect(matchesAsked(facts, asked({ resources, runtime }, 'delay-1'))).toBe(false);
    const pod = { metadata: { labels: { team: 'a' } } };
    expect(matchesAsked(facts, asked({ resources, pod }, 'delay-1'))).toBe(false);
    expect(matchesAsked({ ...facts, pod }, asked({ resources, pod }, 'delay-1'))).toBe(true);
    const foreign = { ...facts, runtime };
    expect(matchesAsked(foreign, asked({ resources, runtime }, 'delay-1'))).toBe(true);
  });
});
