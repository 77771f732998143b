/** Every order in which things can happen to an InferenceService, and what holds in all of them. See README.md. */
import { expect, it } from 'vitest';
import { explore } from './explore.ts';
import { deleteService, inferenceServiceModel, serve } from './inference-service-model.ts';
import type { ServiceModelOptions } from './inference-service-model.ts';

const serving = serve('v1');
/** They need about a millisecond of CPU a state, which a busy machine stretches. */
const TIMEOUT_MS = 180_000;
const back = [serve('v2'), serve('v1')];

it.each<[string, ServiceModelOptions]>([
  ['starts, with an answer that is lost', { script: [serve('v1')], faults: { lostAnswers: 1 } }],
  ['starts, with an operator that dies', { script: [serve('v1')], faults: { crashes: 1 } }],
  ['changes, with an answer that is lost', { serving, script: [serve('v2')], faults: { lostAnswers: 1 } }],
  ['changes, with an operator that dies', { serving, script: [serve('v2')], faults: { crashes: 1 } }],
  ['changes, with caches that fall behind', { serving, script: [serve('v2')], faults: { staleKinds: 1 } }],
  ['changes while a pod stops answering', { serving, script: [serve('v2')], faults: { mishaps: 1 } }],
  ['changes to what is broken, and on', { serving, script: [serve('broken'), serve('v2')] }],
  ['changes there and back, and drains', { serving, script: back, drainSeconds: 10 }],
  [
    'changes there and back, with a switch that its cache does not know of',
    { serving, script: back, faults: { lostAnswers: 1, staleKinds: 1 }, mayFallBehind: ['Service'] },
  ],
  [
    'goes, with caches that fall behind',
    { serving, script: [deleteService], hasSlowReads: true, faults: { staleKinds: 1 } },
  ],
])(
  '%s',
  async (name, options) => {
    const { states, seconds, failure } = await explore(inferenceServiceModel(options));
    console.log(`${name}: ${states} states, ${seconds.toFixed(1)} s`);
    expect(failure && [failure.what, ...failure.trace].join('\n')).toBeUndefined();
  },
  TIMEOUT_MS,
);
