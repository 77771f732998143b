import type { Gate } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { aGate } from '../../../testing/data-fixtures.ts';
import { aModelVersion } from '../../../testing/fixtures.ts';
import type { Evidence } from './evidence.ts';
import { metricsOf, verdictsOf } from './verdict.ts';

const evidence: Evidence = {
  datasetVersion: 'flights-1-aaaaaa',
  champions: [{ alias: 'champion', modelVersion: 'delay-1' }, { alias: 'candidate' }],
  rows: 10,
  metrics: { 'test.auc': 0.7, 'test.log_loss': 0.5 },
  rescored: { 'delay-1': { 'test.auc': 0.8, 'test.log_loss': 0.4 } },
};
const version = aModelVersion('delay-2', {}, { metrics: [{ name: 'validation.auc', value: 0.9 }] });

function notWorseThan(more: Partial<NonNullable<Gate['notWorseThan']>> = {}): Partial<Gate> {
  return { notWorseThan: { alias: 'champion', by: 0, whenNoChampion: 'Pass', ...more } };
}

describe('a gate', () => {
  it.each<[string, Partial<Gate>, 'Passed' | 'Failed', string]>([
    ['passes at its lowest value', { min: 0.7 }, 'Passed', 'test.auc is 0.7, and must not be below 0.7.'],
    ['fails below it', { min: 0.71 }, 'Failed', 'test.auc is 0.7, and must not be below 0.71.'],
    ['passes at its highest value', { max: 0.7 }, 'Passed', 'must not be above 0.7.'],
    ['fails above it', { max: 0.6 }, 'Failed', 'must not be above 0.6.'],
    ['tells only what failed', { min: 0.9, max: 1 }, 'Failed', 'test.auc is 0.7, and must not be below 0.9.'],
    [
      'fails where it is worse than the champion',
      notWorseThan(),
      'Failed',
      'test.auc is 0.7, that of champion (delay-1) on the same rows 0.8, and it may be worse by at most 0.',
    ],
    ['may be as much worse as it says, to the last bit', notWorseThan({ by: 0.1 }), 'Passed', 'by at most 0.1.'],
    ['knows that a lower loss is better', { metric: 'test.log_loss', ...notWorseThan({ by: 0.05 }) }, 'Failed', '0.4'],
    [
      'passes without a champion',
      notWorseThan({ alias: 'candidate' }),
      'Passed',
      'There was no candidate to compare with, and whenNoChampion is Pass.',
    ],
    ['or does not', notWorseThan({ alias: 'candidate', whenNoChampion: 'Fail' }), 'Failed', 'whenNoChampion is Fail.'],
    [
      'fails without its metric',
      { metric: 'test.f1', min: 0 },
      'Failed',
      'test.f1 of source Evaluation is not there, and whenMissing is Fail.',
    ],
    ['or does not fail', { metric: 'test.f1', min: 0, whenMissing: 'Pass' }, 'Passed', 'whenMissing is Pass.'],
    ['does not believe the training', { metric: 'validation.auc', min: 0 }, 'Failed', 'is not there'],
    [
      'unless it is told to',
      { metric: 'validation.auc', min: 0.9, sources: ['Evaluation', 'Declared'] },
      'Passed',
      'validation.auc is 0.9',
    ],
  ])('%s', (_, gate, verdict, message) => {
    const [found] = verdictsOf([aGate(gate)], metricsOf(version, evidence), evidence);

    expect(found).toMatchObject({ name: 'auc', verdict });
    expect(found?.message).toContain(message);
  });

  it('treats a champion that could not be measured as a missing metric', () => {
    const gate = aGate(notWorseThan());
    const unmeasured = { ...evidence, rescored: { 'delay-1': {} } };
    const [found] = verdictsOf([gate], metricsOf(version, evidence), unmeasured);

    expect(found).toEqual({
      name: 'auc',
      verdict: 'Failed',
      message: 'test.auc of champion (delay-1) is not there, and whenMissing is Fail.',
    });
  });
});

describe('a champion that cannot be scored', () => {
  const problems = { 'delay-1': 'Its input "z" is no column' };
  const unscored = { ...evidence, rescored: { 'delay-1': {} }, problems };

  it.each<[Gate['whenMissing'], 'Failed' | 'Passed']>([
    ['Fail', 'Failed'],
    ['Pass', 'Passed'],
  ])('lets whenMissing: %s decide, and is named with why', (whenMissing, verdict) => {
    const gate = aGate({ ...notWorseThan(), whenMissing });

    expect(verdictsOf([gate], metricsOf(version, unscored), unscored)).toEqual([
      {
        name: 'auc',
        verdict,
        message: `test.auc of champion (delay-1) is not there: Its input "z" is no column, and whenMissing is ${whenMissing}.`,
      },
    ]);
  });
});

describe('the source of a metric', () => {
  const metrics = [{ name: 'validation.auc', value: 0.9 }];
  it.each([
    ['a training', aModelVersion('v', {}, { metrics, lineage: { trainingJob: 'xgb' } }), 'Training'],
    ['a person', aModelVersion('v', {}, { metrics }), 'Declared'],
    [
      'another cluster',
      aModelVersion('v', { annotations: { 'slipway.dev/origin': '{}' } }, { metrics, lineage: { trainingJob: 'xgb' } }),
      'Imported',
    ],
  ])('is %s', (_, from, source) => {
    expect(metricsOf(from, undefined)).toEqual([{ name: 'validation.auc', value: 0.9, source }]);
  });

  it('is the evaluation for what it measured, and that comes first', () => {
    expect(metricsOf(version, evidence).map(({ name, source }) => `${name} ${source}`)).toEqual([
      'test.auc Evaluation',
      'test.log_loss Evaluation',
      'validation.auc Declared',
    ]);
  });
});
