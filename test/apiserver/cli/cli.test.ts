/** The command `slipway` against a real API server; what the operator and the nodes would write is written by the test. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBinaries } from '../../../hack/kube/binaries.ts';
import { startServer } from '../../../serving-runtime/src/testing/running-server.ts';
import type { RunningServer } from '../../../serving-runtime/src/testing/running-server.ts';
import { DIGEST_A, DIGEST_B } from '../operator/objects.ts';
import { startKubeletLogs } from './kubelet-logs.ts';
import { conditions, fareModel, NAMESPACE, startWorld } from './world.ts';
import type { World } from './world.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** The API server's proxy goes to no address of 127.0.0.0/8. */
const ADDRESS = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

let world: World;
let server: RunningServer;
let kubelet: { stop(): void };

const artifact = (digest: string, store = 'default') => ({
  store: { name: store },
  path: 'models/x',
  digest,
  format: 'Onnx',
});
const VERIFIED = conditions(['Ready', 'True', 'Verified']);

beforeAll(async () => {
  world = await startWorld();
  kubelet = await startKubeletLogs(world, (pod, container, previous) =>
    previous ? `${container} of ${pod} gave up\n` : `${container} of ${pod}\nsecond line\n`,
  );
  server = await startServer({ 'fare/1/model.onnx': fareModel() }, ADDRESS === undefined ? [] : [`--host=${ADDRESS}`]);
  await world.add('Store', 'default', {
    spec: { uri: 'pvc://models' },
    status: conditions(['Ready', 'True', 'ClaimBound']),
  });
  await addFare();
  await addFlights();
  await addLakes();
});
afterAll(async () => {
  kubelet?.stop();
  await server?.stop();
  await world?.stop();
});

/** `fare` serves well; its pod is a real model server. */
async function addFare(): Promise<void> {
  await world.add('ModelVersion', 'fare-1', { spec: { artifact: artifact(DIGEST_A) }, status: VERIFIED });
  await world.add('InferenceService', 'fare', {
    spec: { modelVersion: { name: 'fare-1' } },
    status: {
      ...conditions(['Ready', 'True', 'UpToDate'], ['Serving', 'True', 'Serving']),
      stable: { revision: 'fare-a', modelVersion: 'fare-1', ready: 1 },
    },
  });
  const ports = [
    { name: 'http', containerPort: server.ports.http },
    { name: 'metrics', containerPort: server.ports.metrics },
  ];
  await world.addPod('fare-pod', {
    labels: { 'slipway.dev/inferenceservice': 'fare', 'slipway.dev/revision': 'fare-a' },
    spec: { containers: [{ name: 'server', image: 'server', ports }] },
    status: {
      phase: 'Running',
      podIP: ADDRESS,
      podIPs: [{ ip: ADDRESS }],
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [status('server', { running: {} })],
    },
  });
}

/** `flights` has two pods that crash. */
async function addFlights(): Promise<void> {
  await world.add('ModelVersion', 'flights-delay-2-7f3a2c', {
    spec: {
      model: { name: 'flights-delay' },
      number: 2,
      artifact: artifact(DIGEST_B),
      lineage: { trainingJob: 'flights-xgb', datasetVersion: 'flights-1-000000' },
    },
    status: VERIFIED,
  });
  const message = 'Container "server" of the pod ended with exit code 1: out of luck.';
  await world.add('InferenceService', 'flights', {
    spec: { modelVersion: { name: 'flights-delay-2-7f3a2c' }, scaling: { replicas: 2 } },
    status: conditions(['Ready', 'False', 'ContainerFailed', message], ['Stalled', 'True', 'ContainerFailed', message]),
  });
  for (const name of ['flights-one', 'flights-two']) {
    await world.addPod(name, {
      labels: { 'slipway.dev/inferenceservice': 'flights', 'slipway.dev/revision': 'flights-a' },
      spec: { containers: [{ name: 'server', image: 'server' }] },
      status: {
        phase: 'Running',
        containerStatuses: [
          {
            ...status('server', { waiting: { reason: 'CrashLoopBackOff' } }),
            lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'out of luck' } },
          },
        ],
      },
    });
  }
}

/** `lakes` cannot serve, because the volume of its Store is missing. */
async function addLakes(): Promise<void> {
  const waits = (reason: string, message: string) =>
    conditions(['Ready', 'False', reason, message], ['Reconciling', 'True', reason, message]);
  await world.add('Store', 'lake', {
    spec: { uri: 'pvc://gone' },
    status: waits('ClaimNotFound', 'There is no claim.'),
  });
  await world.add('ModelVersion', 'lake-1', {
    spec: { artifact: artifact(DIGEST_A, 'lake') },
    status: waits('StoreNotReady', 'Store "lake" cannot be used.'),
  });
  await world.add('InferenceService', 'lakes', {
    spec: { modelVersion: { name: 'lake-1' } },
    status: waits('ModelVersionNotReady', 'ModelVersion "lake-1" is not ready.'),
  });
}

function status(name: string, state: object) {
  return { name, image: 'server', imageID: '', ready: false, restartCount: 0, state };
}

/** Cells of the lines of a table, by the first of each. */
function cells(table: string): Record<string, string[]> {
  const rows = table.trimEnd().split('\n');
  return Object.fromEntries(rows.map((line) => line.split(/ {3,}/)).map(([name = '', ...rest]) => [name, rest]));
}

describe('slipway get', () => {
  it('shows a line a service, with the reason where it is not ready', async () => {
    const { code, stdout } = await world.slipway(['get', '--measure', '0']);
    const table = cells(stdout);

    expect(code).toBe(0);
    expect(table['NAME']).toEqual(['VERSION', 'TRAFFIC', 'READY', 'RATE', 'P99', 'ERRORS', 'AGE', 'REASON']);
    expect(table['fare']?.slice(0, 6)).toEqual(['fare-1', '-', '1/1', '-', '-', '-']);
    expect(table['flights']?.slice(0, 3)).toEqual(['flights-delay-2-7f3a2c', '0%', '0/2']);
    expect(table['flights']?.at(-1)).toMatch(/^ContainerFailed: Container "server"/);
  });

  it('gives objects as JSON and YAML, and names alone', async () => {
    const json = await world.slipway(['get', 'store/lake', '-o', 'json']);
    const names = await world.slipway(['get', 'stores', '-o', 'name']);

    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'Store',
      metadata: { name: 'lake' },
      spec: { uri: 'pvc://gone' },
    });
    expect(names.stdout).toBe('default\nlake\n');
  });

  it('says in two lines what is not there', async () => {
    expect(await world.slipway(['get', 'service', 'flihgts'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: There is no InferenceService "flihgts" in namespace "team". Did you mean "flights"?\n  See those that there are: slipway get services -A\n',
    });
  });
});

describe('slipway describe', () => {
  it('follows the chain to the first thing that is wrong, and says what to do', async () => {
    const { code, stdout } = await world.slipway(['describe', 'service', 'lakes']);

    expect(code).toBe(0);
    expect(stdout).toContain(`The first thing that is wrong
  PersistentVolumeClaim gone: NotFound
  There is no PersistentVolumeClaim "gone" in namespace "team".
  What to do:  Create it, or correct the name.
`);
    expect(stdout).toContain(`  · InferenceService lakes  ModelVersionNotReady
  └─ · serves ModelVersion lake-1  StoreNotReady
     └─ · kept in Store lake  ClaimNotFound
        └─ ✗ lies on PersistentVolumeClaim gone  NotFound
`);
  });

  it('finds the claim of a Store that is well to be of no account', async () => {
    expect((await world.slipway(['describe', 'service', 'fare'])).stdout).toContain('\nAll is well.\n');
  });

  it('shows what a version was made from, and finds no harm in that it is gone', async () => {
    const { stdout } = await world.slipway(['describe', 'version', 'flights-delay-2-7f3a2c']);

    expect(stdout).toContain('\nAll is well.\n');
    expect(stdout).toContain('trained by TrainingJob flights-xgb  is gone, which does no harm\n');
    expect(stdout).toContain('learned from DatasetVersion flights-1-000000  is gone, which does no harm\n');
  });
});

describe.skipIf(ADDRESS === undefined)('slipway predict', () => {
  const csv = 'miles,minutes\n3.1,12\n0.8,6\n';

  it('asks a ready pod through the API server', async () => {
    const { code, stdout } = await world.slipway(['predict', 'fare', '--csv', '-'], { input: csv });

    expect([code, stdout]).toEqual([0, 'ROW   fare\n1     12.625\n2     6.5\n']);
  });

  it('asks over gRPC where it has an address', async () => {
    const url = `${ADDRESS}:${server.ports.grpc}`;
    const { code, stdout } = await world.slipway(['predict', 'fare', '--set', 'trip=3.1,12', '--grpc', '--url', url]);

    expect([code, stdout]).toEqual([0, 'ROW   fare\n1     12.625\n']);
  });

  it.each([
    [['--set', 'trip=3.1'], 'error: 1 values do not fill the input trip FP32 [-1, 2].\n  Give a multiple of 2.\n', 1],
    [
      ['--set', 'trap=3.1,12'],
      'error: The model has no input "trap". Did you mean "trip"?\n  It has: trip FP32 [-1, 2]\n',
      1,
    ],
    [
      [],
      'error: What shall "fare" be asked? It wants: trip FP32 [-1, 2]\n  Give --set INPUT=VALUES, --csv FILE or --json FILE.\n',
      2,
    ],
    [
      ['--set', 'trip=3.1,12', '--grpc'],
      'error: gRPC does not go through the API server, so --grpc needs an address.\n  In another terminal: kubectl port-forward -n team $(kubectl get pod -n team -l slipway.dev/inferenceservice=fare -o name | head -1) 9000   then add: --url localhost:9000\n',
      2,
    ],
  ])('says what it expects instead of %j', async (args, words, exitCode) => {
    const { code, stderr } = await world.slipway(['predict', 'fare', ...args]);

    expect([code, stderr]).toEqual([exitCode, words]);
  });

  it('says why nothing answers', async () => {
    const { code, stderr } = await world.slipway(['predict', 'flights', '--set', 'x=1']);

    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: No pod of "flights" answers. ContainerFailed: Container "server" of the pod ended with exit code 1: out of luck.\n  See: slipway describe service flights\n',
    );
  });
});

describe('slipway logs', () => {
  it('shows one pod as it is, and several with their names', async () => {
    const one = await world.slipway(['logs', 'service', 'fare']);
    const several = await world.slipway(['logs', 'service', 'flights']);

    expect(one.stdout).toBe('server of fare-pod\nsecond line\n');
    expect(
      several.stdout
        .split('\n')
        .sort()
        .filter((line) => line !== ''),
    ).toEqual([
      'flights-one second line',
      'flights-one server of flights-one',
      'flights-two second line',
      'flights-two server of flights-two',
    ]);
  });

  it('shows the end before with --previous, and says where there is none', async () => {
    expect((await world.slipway(['logs', 'service', 'flights', '-p'])).stdout).toContain(
      'server of flights-two gave up\n',
    );
    expect((await world.slipway(['logs', 'service', 'fare', '-p'])).stderr).toBe(
      'error: No container was started again, so there is no log from before.\n  Leave out --previous.\n',
    );
  });

  it('follows until the pods have ended', async () => {
    await world.addPod('train-pod', {
      labels: { 'slipway.dev/trainingjob': 'train' },
      spec: { restartPolicy: 'Never', containers: [{ name: 'trainer', image: 'trainer' }] },
      status: { phase: 'Succeeded', containerStatuses: [status('trainer', { terminated: { exitCode: 0 } })] },
    });
    await world.add('TrainingJob', 'train', {
      spec: {
        dataset: { name: 'd' },
        framework: 'Plain',
        image: 'i',
        command: ['c'],
        output: { model: { name: 'm' } },
      },
    });

    expect(await world.slipway(['logs', 'job', 'train', '-f'])).toEqual({
      code: 0,
      stdout: 'trainer of train-pod\nsecond line\n',
      stderr: '',
    });
  });
});

describe('slipway promote', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-promote-'));
    writeFileSync(join(folder, 'kustomization.yaml'), 'resources:\n  - flights.yaml\n');
    writeFileSync(
      join(folder, 'flights.yaml'),
      `# production
apiVersion: slipway.dev/v1alpha1
kind: InferenceService
metadata: {name: flights, namespace: prod}
spec:
  modelVersion: {name: flights-delay-1-000000} # by promote
`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('writes what another namespace takes as it is, and nothing the second time', async () => {
    const first = await world.slipway(['promote', 'flights-delay-2-7f3a2c', '--into', folder]);
    expect([first.code, first.stdout]).toEqual([
      0,
      expect.stringContaining('+  modelVersion: {name: flights-delay-2-7f3a2c} # by promote'),
    ]);
    expect(readFileSync(join(folder, 'flights.yaml'), 'utf8')).toMatch(/^# production\n/);

    await world.plane.kubectl(['create', 'namespace', 'prod']);
    const applied = await world.plane.kubectl(['apply', '-k', folder]);
    expect([applied.code, applied.stderr]).toEqual([0, '']);
    const { stdout } = await world.plane.kubectl([
      'get',
      'modelversion',
      'flights-delay-2-7f3a2c',
      '-n',
      'prod',
      '-o',
      'json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      metadata: { annotations: { 'slipway.dev/origin': expect.stringContaining(`"namespace":"${NAMESPACE}"`) } },
      spec: { artifact: { digest: DIGEST_B }, model: { name: 'flights-delay' } },
    });

    const second = await world.slipway(['promote', 'flights-delay-2-7f3a2c', '--into', folder]);
    expect([second.code, second.stdout]).toEqual([0, '']);
    expect(second.stderr).toBe('Nothing to change: the folder has this version already.\n');
  });

  it('fills the folder of its example, which is taken as it is', async () => {
    const prod = join(folder, 'example');
    cpSync(join(ROOT, 'examples', 'promote-by-git', 'prod'), prod, { recursive: true });
    const { code, stderr } = await world.slipway(['promote', 'fare-1', '--into', prod, '--service', 'fare']);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(readFileSync(join(prod, 'service.yaml'), 'utf8')).toContain('name: fare-1 # slipway promote');

    const { stdout } = await world.plane.kubectl(['apply', '-k', prod, '--dry-run=server', '-o', 'name']);
    expect(stdout.trim().split('\n').sort()).toEqual([
      'inferenceservice.slipway.dev/fare',
      'modelversion.slipway.dev/fare-1',
      'persistentvolumeclaim/models',
      'store.slipway.dev/default',
    ]);
  });

  it('refuses a version that is not Ready', async () => {
    const { code, stderr } = await world.slipway(['promote', 'lake-1', '--into', folder]);

    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: ModelVersion "lake-1" is not Ready, so it is not promoted. StoreNotReady: /);
  });
});

describe('slipway', () => {
  it('tells whoever has no rights what is missing', async () => {
    const kubeconfig = await world.kubeconfigFor('nobody', []);
    const { code, stderr } = await world.slipway(['get'], { kubeconfig });

    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: You may not do this: User "system:serviceaccount:team:nobody" cannot list resource "inferenceservices".*\n {2}Ask for the right, .*\n$/,
    );
    const token = /"token":"([^"]+)"/.exec(readFileSync(kubeconfig, 'utf8'))?.[1] ?? '';
    expect(stderr).not.toContain(token);
  });

  it('is a command of kubectl', async () => {
    const bin = join(world.plane.folder, 'bin');
    mkdirSync(bin);
    symlinkSync(join(ROOT, 'cli', 'bin', 'slipway.mjs'), join(bin, 'kubectl-slipway'));
    const { kubectl } = await findBinaries(['kubectl']);
    const PATH = [bin, join(ROOT, 'node_modules', '.bin'), process.env['PATH']].join(delimiter);
    const stdout = execFileSync(kubectl, ['slipway', 'version', '--client'], {
      env: { ...process.env, PATH },
    }).toString();

    expect(stdout).toMatch(/^slipway +\d+\.\d+\.\d+\n$/);
  });
});
