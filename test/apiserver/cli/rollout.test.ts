/** A service that changes step by step, led from a terminal: the command and the operator as processes, on a real API server. */
import type { InferenceService, ModelRollout, TrafficRoute } from '@slipway/crds';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, startHarness } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from '../operator/objects.ts';
import { kubeconfigFor, NAMESPACE, runSlipway } from './world.ts';
import type { Result } from './world.ts';

const KEY = { namespace: NAMESPACE, name: 'flights' };
const PATIENCE = 90;
let harness: Harness;

const digestOf = (number: number) => `sha256:${String(number).repeat(64)}`;
const canary = (...steps: readonly object[]) => ({
  scaling: { replicas: 4 },
  rollout: { strategy: 'Canary', canary: { steps } },
});
const STEPS = canary({ weight: 25, waitFor: 'Promotion' }, { weight: 50, waitFor: 'Promotion' });

beforeAll(async () => {
  harness = await startHarness(podScript);
  harness.startOperator();
  const versions = [1, 2, 3].map((number) => modelVersion(NAMESPACE, `delay-${number}`, digestOf(number)));
  await harness.apply(namespaceNamed(NAMESPACE), claim(NAMESPACE), store(NAMESPACE), ...versions);
  await harness.apply(inferenceService(NAMESPACE, 'delay-1', STEPS));
  await says('UpToDate=True UpToDate');
});
afterAll(() => harness?.stop());

function slipway(...args: string[]): Promise<Result> {
  return runSlipway(['-n', NAMESPACE, ...args], { input: '', kubeconfig: harness.plane.kubeconfigPath });
}

async function says(condition: string): Promise<void> {
  await eventually(
    condition,
    async () => {
      const found = await harness.get<InferenceService>(kinds.InferenceService, KEY);
      if (found?.status?.observedGeneration !== found?.metadata.generation) return false;
      return (found?.status?.conditions ?? []).some(
        ({ type, status, reason }) => `${type}=${status} ${reason}` === condition,
      );
    },
    PATIENCE,
  );
}

async function weighs(...wanted: readonly number[]): Promise<void> {
  await eventually(
    `weights ${wanted.join(', ')}`,
    async () => {
      const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
      return (
        route?.spec.backends
          .map(({ weight }) => weight)
          .sort((a, b) => a - b)
          .join() === wanted.join()
      );
    },
    PATIENCE,
  );
}

async function rollout(name: string): Promise<ModelRollout | undefined> {
  return harness.get<ModelRollout>(kinds.ModelRollout, { namespace: NAMESPACE, name });
}

async function tells(name: string, wanted: string): Promise<void> {
  const isSo = async () => (await rollout(name))?.status?.conditions?.some((one) => one.reason === wanted);
  await eventually(`${name} says ${wanted}`, isSo, PATIENCE);
}

it('tells that a service has never changed', async () => {
  expect(await slipway('rollout', 'abort', 'flights')).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: InferenceService "flights" has no rollout: it has not changed since it served for the first time.
  A rollout begins when its version changes, or anything else that its pods depend on. See: slipway describe service flights
`,
  });
});

it('shows where a rollout is, in a screen, in lists and in what a service depends on', async () => {
  await harness.apply(inferenceService(NAMESPACE, 'delay-2', STEPS));
  await says('Ready=True WaitingForPromotion');
  await tells('flights-1', 'WaitingForPromotion');
  const { code, stdout } = await slipway('rollout', 'status', 'flights');

  expect(code).toBe(0);
  expect(stdout).toMatch(/^flights-1 of InferenceService flights, begun \d+s ago by SpecChange\n/);
  expect(stdout).toMatch(/\n {2}From +delay-1 \(flights-\w+\)\n {2}To +delay-2 \(flights-\w+\)\n/);
  expect(stdout).toContain('\n  ▸ 1  25%, until a person promotes it\n  · 2  50%, until a person promotes it\n');
  expect(stdout).toContain('when somebody says: slipway rollout promote flights\n');
  expect((await slipway('get', 'rollouts')).stdout).toMatch(/\nflights-1 +flights +1\/3 +25% +yes +- /);
  expect((await slipway('describe', 'service', 'flights')).stdout).toContain(
    '✓ changes by ModelRollout flights-1  WaitingForPromotion\n',
  );
  const described = await slipway('describe', 'rollout', 'flights-1');
  expect(described.stdout).toContain('Asked     state=Running verdict=Auto approvedStep=0 try=1\n');
  expect(described.stdout).toMatch(/✓ runs as Deployment flights-\w+ {2}Available\n/);
});

it('is paused and resumed, and saying so twice changes nothing', async () => {
  const paused = await slipway('rollout', 'pause', 'flights');
  expect(paused).toEqual({
    code: 0,
    stdout: 'flights-1 is paused at step 1 of 3, 25%. It goes on with: slipway rollout resume flights\n',
    stderr: '',
  });
  await tells('flights-1', 'RolloutPaused');
  const { resourceVersion } = (await rollout('flights-1'))?.metadata ?? {};
  expect((await slipway('rollout', 'pause', 'flights')).stdout).toMatch(/^flights-1 is paused already\./);
  expect((await rollout('flights-1'))?.metadata.resourceVersion).toBe(resourceVersion);

  expect(await slipway('rollout', 'resume', 'flights')).toMatchObject({ code: 0, stderr: '' });
  await says('Ready=True WaitingForPromotion');
});

it('is promoted step by step, while somebody watches until it has ended', async () => {
  const watched = slipway('rollout', 'status', 'flights', '--watch');
  await tells('flights-1', 'WaitingForPromotion');
  expect((await slipway('rollout', 'promote', 'flights')).stdout).toBe(
    'Step 1 of flights-1 is approved. After it comes step 2 of 3.\n',
  );
  await weighs(50, 50);
  expect(await slipway('rollout', 'promote', 'flights', '--step', '2')).toMatchObject({ code: 0 });
  await weighs(100);
  const { code, stdout, stderr } = await watched;

  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('State      Promoted\n');
  expect((await slipway('rollout', 'promote', 'flights')).stdout).toBe('flights-1 is promoted already.\n');
  expect((await slipway('rollout', 'abort', 'flights')).stderr).toMatch(
    /^error: Nothing is in progress: flights-1 has ended, because the revision that it brought has all requests\.\n/,
  );
});

it('is aborted, tried again, and promoted without the steps that are left', async () => {
  await says('UpToDate=True UpToDate');
  await harness.apply(inferenceService(NAMESPACE, 'delay-3', STEPS));
  await weighs(25, 75);
  const watched = slipway('rollout', 'status', '--rollout', 'flights-2', '--watch');
  expect((await slipway('rollout', 'abort', 'flights')).stdout).toMatch(
    /^flights-2 is aborted: all requests go back to /,
  );
  await weighs(100);
  await says('Stalled=True RolloutAborted');
  expect((await watched).code).toBe(1);
  expect((await slipway('rollout', 'resume', 'flights')).stderr).toBe(
    'error: flights-2 was aborted.\n  To try it again from its first step: slipway rollout retry flights\n',
  );
  expect((await slipway('describe', 'service', 'flights')).stdout).toContain(
    '✗ changes by ModelRollout flights-2  RolloutAborted\n',
  );

  expect((await slipway('rollout', 'retry', 'flights')).stdout).toMatch(
    /^flights-2 begins again at step 1 \(try 2\)\./,
  );
  await weighs(25, 75);
  expect((await slipway('rollout', 'promote', 'flights', '--full')).stdout).toBe(
    'flights-2 is promoted in full. It gets all requests when all its pods answer.\n',
  );
  await says('UpToDate=True UpToDate');
  expect((await slipway('rollout', 'status', 'flights', '--watch')).code).toBe(0);
});

it('has a history, a line each, and objects for programs', async () => {
  await tells('flights-2', 'Promoted');
  const { stdout } = await slipway('rollout', 'history', 'flights');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {3,}/));

  expect(lines[0]).toEqual(['NUMBER', 'CAUSE', 'FROM', 'TO', 'OUTCOME', 'WHEN', 'WHY']);
  expect(lines.slice(1).map((cells) => cells.slice(0, 5))).toEqual([
    ['2', 'SpecChange', 'delay-2', 'delay-3', 'Promoted'],
    ['1', 'SpecChange', 'delay-1', 'delay-2', 'Promoted'],
  ]);
  const list = JSON.parse((await slipway('rollout', 'history', '-o', 'json')).stdout) as { items: ModelRollout[] };
  expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['flights-2', 'flights-1']);
  const one = JSON.parse((await slipway('rollout', 'status', 'flights', '-o', 'json')).stdout) as ModelRollout;
  expect(one.status?.outcome).toBe('Promoted');
});

it('names the right that is missing', async () => {
  await harness.apply(inferenceService(NAMESPACE, 'delay-1', STEPS));
  await weighs(25, 75);
  const [group] = [{ namespace: NAMESPACE, apiGroups: ['slipway.dev'], resources: ['*'], verbs: ['get', 'list'] }];
  const kubeconfig = await kubeconfigFor(harness.plane, 'reader', [group]);
  const asReader = (...args: string[]) => runSlipway(['-n', NAMESPACE, ...args], { input: '', kubeconfig });

  expect((await asReader('rollout', 'abort', 'flights')).stderr).toMatch(
    /^error: You may not change ModelRollout "flights-3": .* cannot patch resource "modelrollouts" .*\n {2}Ask for the right to patch modelrollouts\.slipway\.dev in namespace "team"\.\n$/,
  );
  // What may not be read of the versions is left out.
  expect((await asReader('rollout', 'status', 'flights')).stdout).toMatch(/\n {2}To +flights-\w+\n/);
});

it('goes back to what served before the change, once', async () => {
  const undone = await slipway('rollout', 'undo', 'flights');
  expect(undone.stdout).toMatch(
    /^flights-undo-[a-z]{6}: InferenceService "flights" goes back to flights-\w+ \(delay-3\)/,
  );
  await says('UpToDate=False Undone');
  await weighs(100);
  await tells('flights-3', 'Superseded');
  expect((await slipway('rollout', 'undo', 'flights')).stdout).toMatch(
    /^flights-undo-[a-z]{6} goes back to .* already\./,
  );
  expect((await slipway('rollout', 'undo', 'flights', '--to', 'flights-0')).stderr).toContain(
    'InferenceService "flights" has no revision "flights-0" any more, or never had.',
  );
});
