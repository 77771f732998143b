/** What clients see while everything behind the address changes, ends or is killed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load as parseYaml } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterDown, forwardService } from '../../hack/cluster/index.ts';
import type { SlipwayCluster } from '../../hack/slipway/slipway-cluster.ts';
import { CHART, setUp, SYSTEM_NAMESPACE } from '../../hack/slipway/set-up.ts';
import { eventually } from './observe.ts';
import { askTogether, startLoad } from './open-loop.ts';
import type { LoadReport, ModelAddress } from './open-loop.ts';

const NAME = 'test-gateway';
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const EXAMPLE = join(EXAMPLES, 'serve-onnx');
const SERVICE = 'inferenceservices.slipway.dev/fare';
/** Requests a second of each of three ways to ask. */
const RATE = 30;
let cluster: SlipwayCluster;
let address: ModelAddress;
let stopForwarding: () => void;

beforeAll(async () => {
  await clusterDown(NAME);
  ({ cluster } = await setUp({ name: NAME, namespace: 'team' }));
  await cluster.kubectl(['apply', '-f', EXAMPLE]);
  await cluster.kubectl(['wait', '--for=condition=Ready', SERVICE, '--timeout=3m']);
  const forward = await forwardService(NAME, { namespace: 'team', service: 'fare', port: 80 });
  address = { port: forward.port, host: 'fare.team.svc', model: 'fare' };
  stopForwarding = () => forward.close();
});
afterAll(async () => {
  stopForwarding?.();
  await clusterDown(NAME);
});

/** What becomes of requests while something is done, and for a while after. */
async function underLoad(
  what: string,
  act: (load: ReturnType<typeof startLoad>) => Promise<void>,
): Promise<LoadReport> {
  const load = startLoad({ ...address, rate: RATE, what });
  await sleep(1_000);
  // Also where it failed, so that the next one begins without this load.
  const acted = await act(load).then(
    () => sleep(1_000),
    (cause: unknown) => ({ cause }),
  );
  const report = await load.stop();
  if (typeof acted === 'object') throw acted.cause;
  return report;
}

const system = (...args: readonly string[]) => cluster.kubectl(['--namespace', SYSTEM_NAMESPACE, ...args]);
const patch = (spec: object) =>
  cluster.kubectl(['patch', SERVICE, '--type=merge', `--patch=${JSON.stringify({ spec })}`]);

async function makeVersion(number: number): Promise<string> {
  const yaml = readFileSync(join(EXAMPLE, '3-model-version.yaml'), 'utf8');
  const name = `fare-${number}`;
  await cluster.kubectl(
    ['apply', '-f', '-'],
    yaml.replace('name: fare-1', `name: ${name}`).replace('number: 1', `number: ${number}`),
  );
  return name;
}

/** Asks for a version, and waits until nothing of the former one is left. */
async function changeTo(number: number): Promise<void> {
  await patch({ modelVersion: { name: await makeVersion(number) } });
  await onlyRevisionOf(`fare-${number}`);
}

async function onlyRevisionOf(version: string): Promise<void> {
  await eventually(
    `only ${version} is left`,
    async () => {
      const found = await cluster.kubectl([
        'get',
        'deployments',
        '-o',
        'jsonpath={.items[*].metadata.labels.slipway\\.dev/modelversion}',
      ]);
      return found === version ? true : undefined;
    },
    120,
  );
}

async function podsOf(selector: string, namespace = 'team'): Promise<readonly string[]> {
  const names = await cluster.kubectl(['-n', namespace, 'get', 'pods', '-l', selector, '-o', 'name']);
  return names.split('\n').filter((name) => name !== '');
}

/** SIGKILL for the oldest process that runs this program, as when a node has no memory left. */
function kill(program: string): void {
  process.kill(oldestOf(program), 'SIGKILL');
}

/** Of the processes of this cluster. */
function oldestOf(program: string): number {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readIfThere(`/proc/${pid}/cmdline`).includes(program))
    .filter((pid) => isOfCluster(pid));
  const [victim] = found.map(Number).sort((a, b) => a - b);
  if (victim === undefined) throw new Error(`no process of ${NAME} runs ${program}`);
  return victim;
}

/** Those in pods have its control group, those of the control plane are told its folder. */
function isOfCluster(pid: string): boolean {
  const inCluster = readIfThere(`/proc/${pid}/cgroup`).includes(`slipway-${NAME}`);
  return inCluster || readIfThere(`/proc/${pid}/cmdline`).includes(`/clusters/${NAME}/`);
}

/** Stops it for a while, as when its node freezes: its connections stay, and nothing answers. */
async function freeze(program: string, seconds: number): Promise<void> {
  const pid = oldestOf(program);
  process.kill(pid, 'SIGSTOP');
  try {
    await sleep(seconds * 1000);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const PODS = 'slipway.dev/inferenceservice=fare';
const GATEWAYS = 'app.kubernetes.io/name=slipway-gateway';

it('answers every request while the version changes', async () => {
  const report = await underLoad('a new version', () => changeTo(2));

  expect(report.failures).toEqual([]);
  expect(Object.keys(report.versions)).toEqual(['1', '2']);
});

it('answers every request while it grows and shrinks', async () => {
  const report = await underLoad('three pods, then one', async () => {
    const replicas = async (wanted: number) => {
      await cluster.kubectl(['scale', SERVICE, `--replicas=${wanted}`]);
      await eventually(`${wanted} pods`, async () => ((await podsOf(PODS)).length === wanted ? true : undefined), 120);
      await cluster.kubectl(['wait', '--for=condition=Ready', 'pod', '-l', PODS, '--timeout=2m']);
    };
    await replicas(3);
    await replicas(1);
    await replicas(2);
  });

  expect(report.failures).toEqual([]);
});

it('answers every request while the operator is killed in the middle of a change', async () => {
  const report = await underLoad('the operator killed, a new version', async () => {
    await patch({ modelVersion: { name: await makeVersion(3) } });
    await eventually('the candidate has a Deployment', async () => {
      const names = await cluster.kubectl(['get', 'deployments', '-o', 'name']);
      return names.trim().split('\n').length === 2 ? true : undefined;
    });
    await system('delete', 'pod', '-l', 'app.kubernetes.io/name=slipway', '--grace-period=0', '--force');
    await onlyRevisionOf('fare-3');
  });

  expect(report.failures).toEqual([]);
  expect(Object.keys(report.versions)).toEqual(['2', '3']);
});

it('answers every request while one of two model servers is killed', async () => {
  const report = await underLoad('a model server killed', async () => {
    kill('serving-runtime/src/main.ts');
    await sleep(2_000);
    await cluster.kubectl(['wait', '--for=condition=Ready', SERVICE, '--timeout=2m']);
  });

  expect(report.failures).toEqual([]);
});

it('answers every request while one of two model servers is frozen', async () => {
  const report = await underLoad('a model server frozen for 30 s', () => freeze('serving-runtime/src/main.ts', 30));

  expect(report.failures).toEqual([]);
});

it('answers every request while the API server does not answer for a minute', async () => {
  const report = await underLoad('the API server frozen for 60 s', () => freeze('/kube-apiserver\0', 60));
  await cluster.kubectl(['wait', '--for=condition=Ready', SERVICE, '--timeout=2m']);

  expect(report.failures).toEqual([]);
});

it('lets requests wait while the only model server is killed', async () => {
  const report = await underLoad('the only model server killed', async () => {
    await cluster.kubectl(['scale', SERVICE, '--replicas=1']);
    await eventually('one pod', async () => ((await podsOf(PODS)).length === 1 ? true : undefined), 120);
    kill('serving-runtime/src/main.ts');
    await sleep(2_000);
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod', '-l', PODS, '--timeout=2m']);
    await cluster.kubectl(['scale', SERVICE, '--replicas=2']);
  });

  expect(report.failures).toEqual([]);
});

it('answers every request while a version that cannot be loaded fails, and is replaced by one that can', async () => {
  const report = await underLoad('a version with other bytes, then a good one', async () => {
    const yaml = readFileSync(join(EXAMPLE, '3-model-version.yaml'), 'utf8').replace('name: fare-1', 'name: fare-bad');
    await cluster.kubectl(['apply', '-f', '-'], yaml.replace(/sha256:[0-9a-f]{64}/, `sha256:${'0'.repeat(64)}`));
    await patch({ modelVersion: { name: 'fare-bad' } });
    await cluster.kubectl(['wait', '--for=condition=UpToDate=false', SERVICE, '--timeout=1m']);
    await changeTo(4);
  });

  expect(report.failures).toEqual([]);
});

it('answers every request while the gateways are replaced one by one', async () => {
  const report = await underLoad('the gateways restarted', async () => {
    await system('rollout', 'restart', 'deployment/slipway-gateway');
    await system('rollout', 'status', 'deployment/slipway-gateway', '--timeout=3m');
    await eventually(
      'the old gateways are gone',
      async () => ((await podsOf(GATEWAYS, SYSTEM_NAMESPACE)).length === 2 ? true : undefined),
      120,
    );
  });

  expect(report.failures).toEqual([]);
});

describe('a canary', () => {
  const steps = [
    { mirrorPercent: 50, atLeast: '3s' },
    { weight: 10, atLeast: '3s' },
    { weight: 50, waitFor: 'Promotion' },
  ];

  /** Asks for a version, and waits until half of the requests are its. Returns its ModelRollout. */
  async function halfWayTo(number: number): Promise<string> {
    await patch({
      rollout: { strategy: 'Canary', canary: { steps } },
      modelVersion: { name: await makeVersion(number) },
    });
    return eventually(
      'the canary waits for a person',
      async () => {
        const path = '{range .items[?(@.status.observedWeight==50)]}{.kind}/{.metadata.name} {end}';
        const found = await cluster.kubectl(['get', 'modelrollouts', '-o', `jsonpath=${path}`]);
        return found.split(' ').find((name) => name !== '');
      },
      180,
    );
  }

  const say = (rollout: string, spec: object) =>
    cluster.kubectl(['patch', rollout, '--type=merge', `--patch=${JSON.stringify({ spec })}`]);

  async function versionsNow(seconds: number): Promise<LoadReport['versions']> {
    const load = startLoad({ ...address, rate: RATE, what: 'what the split is' });
    await sleep(seconds * 1000);
    return (await load.stop()).versions;
  }

  it('answers every request step by step, by the weights, until a person promotes it', async () => {
    let split: LoadReport['versions'] = {};
    const report = await underLoad('a canary, promoted', async () => {
      const rollout = await halfWayTo(5);
      split = await versionsNow(5);
      await say(rollout, { approvedStep: 3 });
      await onlyRevisionOf('fare-5');
    });

    expect(report.failures).toEqual([]);
    expect(Object.keys(report.versions)).toEqual(['4', '5']);
    const { 4: old = 0, 5: candidate = 0 } = split;
    // Four standard deviations of chance.
    expect(Math.abs(candidate - old)).toBeLessThan(4 * Math.sqrt(old + candidate));
  });

  it('answers every request when a person takes it back', async () => {
    let after: LoadReport['versions'] = {};
    const report = await underLoad('a canary, aborted', async () => {
      await say(await halfWayTo(6), { verdict: 'Abort' });
      await onlyRevisionOf('fare-5');
      after = await versionsNow(2);
    });
    const words = await cluster.kubectl([
      'get',
      SERVICE,
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Stalled")].message}',
    ]);
    await patch({ rollout: null, modelVersion: { name: 'fare-5' } });
    await cluster.kubectl(['wait', '--for=condition=Ready', SERVICE, '--timeout=2m']);
    await eventually('two pods', async () => ((await podsOf(PODS)).length === 2 ? true : undefined), 120);

    expect(report.failures).toEqual([]);
    expect(Object.keys(after)).toEqual(['5']);
    expect(words).toMatch(/was aborted at step 3 of 4: spec.verdict/);
  });
});

it('answers every request while the chart is upgraded, to another image of the model server and new operator and gateways; no pod is restarted', async () => {
  const uids = () => cluster.kubectl(['get', 'pods', '-l', PODS, '-o', 'jsonpath={.items[*].metadata.uid}']);
  const before = await uids();
  const report = await underLoad('the chart upgraded', async () => {
    const next = ['--set', 'images.servingRuntime=docker.io/slipway/serving-runtime:next,gateway.drainSeconds=11'];
    await cluster.helm(['upgrade', 'slipway', CHART, '-n', SYSTEM_NAMESPACE, '--reuse-values', ...next, '--wait']);
    await eventually('the service knows of a newer image', async () => {
      const behind = await cluster.kubectl(['get', SERVICE, '-o', 'jsonpath={.status.runtime.behind}']);
      return behind.endsWith(':next') ? true : undefined;
    });
    await system('rollout', 'status', 'deployment/slipway-gateway', '--timeout=3m');
  });

  expect(report.failures).toEqual([]);
  expect(await uids()).toBe(before);
  await cluster.helm(['rollback', 'slipway', '-n', SYSTEM_NAMESPACE, '--wait']);
});

it('loses no more than what a killed gateway had in flight, and soon takes every new connection', async () => {
  let [inFlight, killedAt] = [0, 0];
  const report = await underLoad('a gateway killed', async (load) => {
    [inFlight, killedAt] = [load.inFlight(), load.now()];
    kill('gateway/dist/main.js');
    await sleep(2_000);
    await system('rollout', 'status', 'deployment/slipway-gateway', '--timeout=2m');
  });
  // It is told how soon; a bound that a slow machine keeps, too, shows that it ends.
  const late = report.failures.filter(({ sentAt }) => sentAt > killedAt + 5);
  const last = Math.max(killedAt, ...report.failures.map(({ sentAt }) => sentAt));
  const lost = report.failures.filter(({ sentAt }) => sentAt <= killedAt);
  console.log(
    `in flight when it was killed: ${inFlight}; lost of those: ${lost.length}; the last that failed was sent ${(last - killedAt).toFixed(2)} s after`,
  );

  expect(late).toEqual([]);
  expect(lost.length).toBeLessThanOrEqual(inFlight);
});

it('has no pods while nobody asks, and lets 200 requests wait for the first one', async () => {
  const example = readFileSync(join(EXAMPLES, 'scale-to-zero', '1-inference-service.yaml'), 'utf8');
  const { spec } = parseYaml(example) as { spec: { scaling: object } };
  await patch({ scaling: { ...spec.scaling, max: 3, target: { concurrency: 40 }, idleAfter: '10s' } });
  await eventually('no pod is left', async () => ((await podsOf(PODS)).length === 0 ? true : undefined), 120);
  await cluster.kubectl(['wait', '--for=condition=Ready', SERVICE, '--timeout=1m']);

  const { failures, seconds } = await askTogether(address, 200, 120_000);
  const told = [
    'get',
    'events',
    '--field-selector=reason=Scaled',
    '-o',
    'jsonpath={range .items[*]}{.message}{"\\n"}{end}',
  ];
  const scaled = await cluster.kubectl(told);
  console.log(`200 requests at zero: the last was answered after ${seconds.toFixed(1)} s\n${scaled}`);

  expect(failures).toEqual([]);
  expect(scaled).toMatch(/From 0 to \d pods?: \d+ requests? waits? for a pod\./);
  await patch({ scaling: { min: null, idleAfter: null, target: null, max: null, replicas: 2 } });
  await cluster.kubectl(['wait', '--for=condition=Ready', SERVICE, '--timeout=2m']);
});

describe('access', () => {
  const read = (file: string) => readFileSync(join(EXAMPLES, 'access-control', file), 'utf8');
  const web = (args: readonly string[], stdin?: string) => cluster.kubectl(['--namespace', 'web', ...args], stdin);

  beforeAll(async () => {
    const { spec } = parseYaml(read('2-inference-service.yaml')) as { spec: { access: object } };
    await patch({ access: spec.access });
    await eventually('the route has it', async () => {
      const access = await cluster.kubectl(['get', 'trafficroute', 'fare', '-o', 'jsonpath={.spec.access}']);
      return access === '' ? undefined : access;
    });
    await cluster.kubectl(['create', 'namespace', 'web']);
  });

  /** What the caller of the example is told, as this service account. */
  async function answerTo(account: string, condition: 'Complete' | 'Failed'): Promise<string> {
    const job = `ask-as-${account}`;
    const caller = read('1-caller.yaml')
      .replace('fare.default.svc', 'fare.team.svc')
      .replace('name: ask-fare', `name: ${job}`)
      .replace('serviceAccountName: checkout', `serviceAccountName: ${account}`);
    await web(['apply', '-f', '-'], caller);
    await web(['wait', `--for=condition=${condition}`, `job/${job}`, '--timeout=2m']);
    return web(['logs', `job/${job}`]);
  }

  it('lets in whom it names, by the token of its pod', async () => {
    expect(await answerTo('checkout', 'Complete')).toMatch(/^200 .*12\.625/);
  });

  it('lets in nobody else', async () => {
    expect(await answerTo('default', 'Failed')).toMatch(/^403 .*the service account default of the namespace web/);
  });
});
