import type { Condition, ModelVersion } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { aModelVersion } from '../../testing/fixtures.ts';
import { servableProblem } from './servable.ts';

function withGates(status?: Condition['status']): ModelVersion {
  const condition = {
    type: 'GatesPassed',
    reason: 'r',
    message: 'Because.',
    lastTransitionTime: '2026-11-23T09:00:00Z',
  };
  return { ...aModelVersion(), status: { conditions: status === undefined ? [] : [{ ...condition, status }] } };
}

describe('what keeps a version from being served', () => {
  it.each([
    ['nothing, where nothing was asked', undefined, undefined],
    ['nothing, once it has passed', 'True', undefined],
    [
      'that it is not known yet',
      'Unknown',
      {
        reason: 'ModelVersionNotReady',
        message: 'ModelVersion "delay-1" may not be served yet: Because.',
        isFinal: false,
      },
    ],
    [
      'that it has failed',
      'False',
      {
        reason: 'VersionNotServable',
        message: 'ModelVersion "delay-1" may not be served: Because. Name another one.',
        isFinal: true,
      },
    ],
  ] as const)('is %s', (_, status, problem) => {
    expect(servableProblem(withGates(status))).toEqual(problem);
  });
});
