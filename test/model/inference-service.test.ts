/** Every order in which things can happen to an InferenceService, and what holds in all of them. See README.md. */
import { deleteService, inferenceServiceModel, serve, serveOnce } from './inference-service-model.ts';
import type { ServiceModelOptions } from './inference-service-model.ts';
import { holdsIn } from './run-scenarios.ts';

const serving = serve('v1');

holdsIn(inferenceServiceModel, [
  ['starts, with an answer that is lost', { script: [serve('v1')], faults: { lostAnswers: 1 } }],
  ['starts, with an operator that dies', { script: [serve('v1')], faults: { crashes: 1 } }],
  ['changes, with an answer that is lost', { settled: serving, script: [serve('v2')], faults: { lostAnswers: 1 } }],
  ['changes, with an operator that dies', { settled: serving, script: [serve('v2')], faults: { crashes: 1 } }],
  ['changes, with caches that fall behind', { settled: serving, script: [serve('v2')], faults: { staleKinds: 1 } }],
  ['changes while a pod stops answering', { settled: serving, script: [serve('v2')], faults: { mishaps: 1 } }],
  ['changes to what is broken, and on', { settled: serving, script: [serve('broken'), serve('v2')] }],
  ...(['listed', 'moved'] as const).flatMap((phase): readonly [string, ServiceModelOptions][] => {
    const back = { settled: serving, script: [serve('v2'), serveOnce(phase, 'v1')] };
    return [
      [`goes back when the candidate is ${phase}, and drains`, { ...back, drainSeconds: 10 }],
      [
        `goes back when the candidate is ${phase}, with a route that its cache does not know of`,
        { ...back, faults: { lostAnswers: 1, staleKinds: 1 }, mayFallBehind: ['TrafficRoute'] },
      ],
    ];
  }),
  [
    'goes back when the candidate has the requests, with an operator that dies',
    { settled: serving, script: [serve('v2'), serveOnce('moved', 'v1')], faults: { crashes: 1 } },
  ],
  [
    'changes, with a gateway that is heard late',
    { settled: serving, script: [serve('v2')], faults: { staleKinds: 1 }, mayFallBehind: ['Gateway'] },
  ],
  [
    'goes, with caches that fall behind',
    { settled: serving, script: [deleteService], hasSlowReads: true, faults: { staleKinds: 1 } },
  ],
]);
