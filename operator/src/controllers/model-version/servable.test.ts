import type { Condition, ModelVersion } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { aModelVersion } from '../../testing/fixtures.ts';
import { servableProblem } from './servable.ts';

type Told = Readonly<Record<string, Condition['status']>>;

function versionThatSays(told: Told, model: ModelVersion['spec']['model'] = { name: 'delay' }): ModelVersion {
  const conditions = Object.entries(told).map(([type, status]) => {
    return { type, status, reason: 'r', message: `${type}.`, lastTransitionTime: '2026-11-23T09:00:00Z' };
  });
  return { ...aModelVersion(), spec: { ...aModelVersion().spec, ...(model && { model }) }, status: { conditions } };
}

const passed: Told = { GatesPassed: 'True', Approved: 'True' };
const notYet = (why: string) => ({
  reason: 'ModelVersionNotReady',
  message: `ModelVersion "delay-1" may not be served yet: ${why}`,
  isFinal: false,
});
const refused = (why: string) => ({
  reason: 'VersionNotServable',
  message: `ModelVersion "delay-1" may not be served: ${why} Name another one.`,
  isFinal: true,
});

describe('what keeps a version from being served', () => {
  it.each([
    ['nothing, once it has passed and is approved', passed, undefined],
    ['that its gates are not known yet', { ...passed, GatesPassed: 'Unknown' }, notYet('GatesPassed.')],
    ['that it has failed a gate', { ...passed, GatesPassed: 'False' }, refused('GatesPassed.')],
    ['that it waits for approval', { ...passed, Approved: 'Unknown' }, notYet('Approved.')],
    ['that it was rejected', { ...passed, Approved: 'False' }, refused('Approved.')],
    ['that nobody has looked for approvals yet', { GatesPassed: 'True' }, notYet('it was not looked at yet.')],
  ] as const)('is %s', (_, told, problem) => {
    expect(servableProblem(versionThatSays(told))).toEqual(problem);
  });

  it('is nothing, where it is a version of no Model', () => {
    expect(servableProblem(aModelVersion())).toBeUndefined();
  });
});
