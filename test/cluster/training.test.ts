/** What becomes of a training, with real processes: each way to end badly is told as it is, and the next YAML is taken at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clusterDown } from '../../hack/cluster/index.ts';
import type { SlipwayCluster } from '../../hack/slipway/slipway-cluster.ts';
import { setUp } from '../../hack/slipway/set-up.ts';
import { conditionThat, eventually } from './observe.ts';

const NAME = 'test-training';
const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const JOB = 'trainingjob/delay';
let cluster: SlipwayCluster;
let image: string;

beforeAll(async () => {
  await clusterDown(NAME);
  const ready = await setUp({ name: NAME, namespace: 'team' });
  cluster = ready.cluster;
  image = ready.trainerImage;
  await putRowsOnVolume();
  await apply({ kind: 'Model', metadata: { name: 'delay' }, spec: {} }, DATASET);
});
afterAll(async () => {
  await clusterDown(NAME);
});

const DATASET = {
  kind: 'Dataset',
  metadata: { name: 'rows' },
  spec: {
    rows: {
      files: { path: 'rows/*.csv', format: 'Csv' },
      keys: ['id'],
      at: { column: 'at' },
      request: ['x'],
      label: { column: 'late' },
    },
    split: { validationFrom: '2026-01-03T00:00:00Z' },
  },
};

async function putRowsOnVolume(): Promise<void> {
  const { kubectl } = cluster;
  await kubectl(['apply', '-f', join(EXAMPLES, 'flights', 'store.yaml')]);
  await kubectl(['apply', '-f', join(EXAMPLES, 'flights', 'data', 'loader.yaml')]);
  await kubectl(['wait', '--for=condition=Ready', 'pod/lake-loader', '--timeout=2m']);
  const days = [1, 2, 3, 4].flatMap((day) => [0, 1, 2].map((hour) => `2026-01-0${day}T0${hour}:00:00Z`));
  const rows = days.map((at, id) => `${id},${at},${(id * 7) % 5},${id % 2}`);
  const csv = ['id,at,x,late', ...rows, ''].join('\n');
  const put = 'mkdir -p /lake/rows && cat > /lake/rows/rows.csv';
  await kubectl(['exec', '-i', 'lake-loader', '--', 'sh', '-c', put], csv);
}

async function apply(...objects: readonly object[]): Promise<void> {
  const items = objects.map((object) => ({ apiVersion: 'slipway.dev/v1alpha1', ...object }));
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/** The bytes of examples/serve-onnx: a model that opens. */
function modelBytes(): string {
  const yaml = readFileSync(join(EXAMPLES, 'serve-onnx', '2-model-file.yaml'), 'utf8').split('\n---\n')[0] ?? '';
  return (load(yaml) as { binaryData: Record<string, string> }).binaryData['model.onnx'] ?? '';
}

const LINES = {
  model: `open(out + '/model.onnx', 'wb').write(base64.b64decode('${modelBytes()}'))`,
  broken: `open(out + '/model.onnx', 'wb').write(b'this is no model')`,
  other: `open(out + '/second.onnx', 'wb').write(b'x')`,
  metrics: `json.dump({'validation.auc': 0.7}, open(out + '/metrics.json', 'w'))`,
  look: `assert sorted(os.listdir(os.environ['SLIPWAY_DATASET_DIR'])) == ['schema.json', 'train', 'validation'], 'the data'`,
};

async function train(lines: readonly string[], more: object = {}): Promise<void> {
  const code = ['import base64, json, os, sys', `out = os.environ['SLIPWAY_OUTPUT_DIR']`, ...lines].join('\n');
  const spec = {
    dataset: { name: 'rows' },
    framework: 'Plain',
    image,
    command: ['python3', '-c', code],
    output: { model: { name: 'delay' } },
    resources: { requests: { cpu: '50m', memory: '32Mi' }, limits: { memory: '64Mi' } },
    ...more,
  };
  await apply({ kind: 'TrainingJob', metadata: { name: 'delay' }, spec });
}

const cases: Readonly<Record<string, { lines: string[]; more?: object; reason: string; message: RegExp }>> = {
  'exits with 3': {
    lines: [`sys.exit('no column "delay"')`],
    reason: 'TrainerFailed',
    message: /exit code 1.*no column "delay"/s,
  },
  'needs more memory than it may': {
    lines: ['x = bytearray(512 * 1024 * 1024)', 'print(len(x))'],
    reason: 'OOMKilled',
    message: /64Mi/,
  },
  'has an image that does not exist': {
    lines: [],
    more: { image: 'registry.invalid/none:1' },
    reason: 'ImagePullFailed',
    message: /registry\.invalid\/none:1/,
  },
  'has a command that does not exist': {
    lines: [],
    more: { command: ['no-such-program'] },
    reason: 'ContainerNotCreated',
    message: /no-such-program/,
  },
  'writes no model': { lines: [LINES.metrics], reason: 'ModelMissing', message: /\$SLIPWAY_OUTPUT_DIR/ },
  'writes a broken model': { lines: [LINES.broken], reason: 'ModelInvalid', message: /model/ },
  'writes two models': { lines: [LINES.model, LINES.other], reason: 'ModelAmbiguous', message: /second\.onnx/ },
};

it.each(Object.entries(cases))('tells of a training that %s', async (_, { lines, more, reason, message }) => {
  await train(lines, more);
  const ready = await conditionThat(cluster, [JOB, 'Ready', 'False'], (found) => found.reason === reason);
  expect(ready.message).toMatch(message);
  const described = await eventually('an Event tells it, too', async () => {
    const text = await cluster.kubectl(['describe', JOB]);
    return new RegExp(`Warning +${reason} `).test(text) || undefined;
  });
  expect(described).toBe(true);
});

it('publishes the model once the YAML is mended, and nothing was deleted on the way', async () => {
  await train([LINES.look, LINES.model, LINES.metrics]);
  await cluster.kubectl(['wait', '--for=condition=Succeeded', JOB, '--timeout=2m']);
  const names = (await cluster.kubectl(['get', 'modelversions', '-o', 'name'])).trim().split('\n');
  expect(names).toHaveLength(1);
  await cluster.kubectl(['wait', '--for=condition=Ready', names[0] ?? '', '--timeout=1m']);
});

it('leaves what it produced when it is deleted, and takes what it owns', async () => {
  await cluster.kubectl(['delete', JOB, '--cascade=foreground', '--timeout=1m']);
  expect(await cluster.kubectl(['get', 'jobs', '-l', 'slipway.dev/trainingjob=delay', '-o', 'name'])).toBe('');
  expect((await cluster.kubectl(['get', 'modelversions', '-o', 'name'])).trim().split('\n')).toHaveLength(1);
});
