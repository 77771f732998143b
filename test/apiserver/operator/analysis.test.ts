/** Rollouts that go by what a real gateway counts of real answers: they wait without requests, go on with good ones, and go back. */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InferenceService, ModelRollout, TrafficRoute } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NOTHING_OBSERVED } from '../../../operator/src/analysis/analysis-state.ts';
import { parseStep } from '../../../operator/src/analysis/written-step.ts';
import { ANALYSIS_ANNOTATION } from '../../../operator/src/controllers/inference-service/analysis/judgement.ts';
import { kinds } from '../../../operator/src/kinds.ts';
import { MODEL_VERSION_LABEL } from '../../../operator/src/labels.ts';
import { answeringPodsObstacle, createAnsweringPods } from './answering-pods.ts';
import type { AnsweringPods } from './answering-pods.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness, OperatorProcess } from './harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const NS = 'team';
const KEY = { namespace: NS, name: 'flights' };
/** Before a wait is called too long on a machine that has much to do. */
const PATIENCE = 150;
const obstacle = answeringPodsObstacle();
const agent = new Agent({ maxSockets: 4 });
let pods: AnsweringPods;
let harness: Harness;
let operator: OperatorProcess;

/** More than half of 600. */
const MIN_SAMPLES = 450;
/** Half of the answers of the third version are errors. */
const BAD = 'delay-3';
const answers = new Map<string, number>();
const answered = (version: string) => answers.get(version) ?? 0;

beforeAll(async () => {
  if (obstacle !== undefined) return;
  pods = createAnsweringPods(async ({ metadata: { labels = {} } }) => {
    const version = labels[MODEL_VERSION_LABEL] ?? '';
    answers.set(version, answered(version) + 1);
    return version === BAD && answered(version) % 2 === 0 ? 500 : 200;
  });
  harness = await startHarness(pods.script);
  pods.follow(harness.client);
  operator = harness.startOperator();
  const versions = [1, 2, 3].map((number) =>
    modelVersion(NS, `delay-${number}`, `sha256:${String(number).repeat(64)}`),
  );
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), ...versions);
});
afterAll(async () => {
  agent.destroy();
  await harness?.stop();
  pods?.stop();
});

async function serve(version: string): Promise<void> {
  const analysis = { minSamples: MIN_SAMPLES, checks: [{ name: 'errors', metric: 'ErrorRate', max: 0.01 }] };
  const steps = [{ weight: 50, atLeast: '1s' }];
  const rollout = { strategy: 'Canary', canary: { steps, analysis } };
  await harness.apply(inferenceService(NS, version, { rollout }));
}

/** The message of the condition, once it has that status and reason, and says that. */
async function says(type: string, words: string, part = ''): Promise<string> {
  return eventually(
    `${type} is ${words}${part && `, "${part}"`}`,
    async () => {
      const found = await harness.get<InferenceService>(kinds.InferenceService, KEY);
      if (found?.status?.observedGeneration !== found?.metadata.generation) return false;
      const condition = found?.status?.conditions?.find((one) => one.type === type);
      if (condition === undefined || `${condition.status} ${condition.reason}` !== words) return false;
      return condition.message.includes(part) && condition.message;
    },
    PATIENCE,
  );
}

const rollout = (name: string) => harness.get<ModelRollout>(kinds.ModelRollout, { namespace: NS, name });

/** Of the one check. */
async function judged(name: string, isSo: (check: { verdict: string; samples: number }) => boolean): Promise<void> {
  await eventually(
    `${name} is judged so`,
    async () => {
      const [check] = (await rollout(name))?.status?.analysis ?? [];
      return check !== undefined && isSo(check);
    },
    PATIENCE,
  );
}

/** Requests of the candidate of the first rollout, once they are as many as it needs. */
async function samplesWritten(): Promise<number | false> {
  const text = (await rollout('flights-1'))?.metadata.annotations?.[ANALYSIS_ANNOTATION];
  const { compared, open } = parseStep(text, { try: 1, step: 0 }) ?? NOTHING_OBSERVED;
  const samples = compared.candidate.requests + open.candidate.requests;
  return samples >= MIN_SAMPLES && samples;
}

function ask(): Promise<void> {
  const { data } = harness.gateway.ports;
  const options = { port: data, path: '/v2/models/flights', headers: { host: `flights.${NS}.svc` }, agent };
  return new Promise((resolve, reject) =>
    get(options, (response) => response.resume().on('end', () => resolve())).on('error', reject),
  );
}

/** Returns how to stop it. */
function keepAsking(everyMs: number): () => void {
  let isOver = false;
  const go = async () => {
    while (!isOver) {
      await ask();
      await sleep(everyMs);
    }
  };
  void go();
  return () => {
    isOver = true;
  };
}

describe.skipIf(obstacle !== undefined)(
  `a candidate that is judged${obstacle === undefined ? '' : `: ${obstacle}`}`,
  () => {
    it('waits as long as nobody asks', async () => {
      await serve('delay-1');
      await says('UpToDate', 'True UpToDate');
      await serve('delay-2');
      await judged('flights-1', ({ verdict }) => verdict === 'NoData');
      const place = 'flights-1 is at step 1 of 2, 50 % of the requests';
      await says(
        'Ready',
        'True WaitingForAnalysis',
        `${place}, and waits for its analysis (errors: no request of candidate yet).`,
      );
    });

    it('needs its samples, of which those from before the end of the operator count, once', async () => {
      await Promise.all(Array.from({ length: 600 }, ask)); // about half of them at the candidate
      await judged('flights-1', ({ samples }) => samples >= 200);
      await says('Ready', 'True WaitingForAnalysis', '(not decided yet: errors)');
      await operator.kill();
      operator = harness.startOperator();
      await operator.working();
      const before = answered('delay-2');
      const stop = keepAsking(50);
      const samples = await eventually('there are enough', samplesWritten, PATIENCE);
      expect(samples).toBeGreaterThan(answered('delay-2') - before);
      expect(samples).toBeLessThanOrEqual(answered('delay-2'));
      stop();
      await says('UpToDate', 'True UpToDate');
      expect((await rollout('flights-1'))?.status?.analysis).toMatchObject([{ name: 'errors', value: 0, limit: 0.01 }]);
    }, 300_000);

    it('goes back by itself when it fails, says by how much, and then nothing is written', async () => {
      onTestFinished(keepAsking(20));
      await serve(BAD);
      const message = await says('Stalled', 'True RolloutAborted');
      expect(message).toMatch(
        /^flights-2 was aborted at step 1 of 2(?:, \d+ % of the requests)?: errors \d+ % > 1 % \(\d+ (?:of 450 )?samples\)\./,
      );
      const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
      expect(route?.spec.backends).toMatchObject([{ weight: 100 }]);
      await judged('flights-2', ({ verdict }) => verdict === 'Failing');
      await eventually('an Event tells of it', async () => {
        const { items } = await harness.client.list(builtin.Event, { namespace: NS });
        return items.some(({ reason, note = '' }) => reason === 'RolloutAborted' && /errors \d+ % > 1 %/.test(note));
      });

      const versions = async () =>
        [await rollout('flights-2'), await harness.get(kinds.InferenceService, KEY)].map(
          (one) => one?.metadata.resourceVersion,
        );
      await sleep(3000);
      const before = await versions();
      await sleep(12_000); // longer than from look to look
      expect(await versions()).toEqual(before);
    });
  },
);
