/** The real API server takes every CRD and every example, and refuses wrong objects with the words that we want people to read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';

const root = join(import.meta.dirname, '..', '..');
let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane({});
  const applied = await plane.kubectl(['apply', '--server-side', '-f', join(root, 'crds', 'generated')]);
  expect(applied.stderr).toBe('');
  await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
});

afterAll(() => plane?.stop());

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

function manifest(kind: string, spec: object, name = 'a'): object {
  return { apiVersion: 'slipway.dev/v1alpha1', kind, metadata: { name }, spec };
}

const DIGEST = `sha256:${'0'.repeat(64)}`;
const store = (change: object = {}) => manifest('Store', { uri: 'pvc://lake', ...change });
const featureSet = (change: object = {}) =>
  manifest('FeatureSet', {
    entities: [{ name: 'origin', type: 'String' }],
    source: { files: { path: 'weather/*.csv', format: 'Csv' } },
    time: { event: 'time_hour' },
    features: [{ name: 'temp', type: 'Float32' }],
    ttl: '3h',
    ...change,
  });
const rows = {
  files: { path: 'flights/*.csv', format: 'Csv' },
  keys: ['origin'],
  at: { column: 'sched_dep' },
  request: ['distance'],
  label: { column: 'late' },
};
const dataset = (change: object = {}) =>
  manifest('Dataset', { rows, split: { validationFrom: '2013-09-01T00:00:00Z' }, ...change });
const trainingJob = (change: object = {}) =>
  manifest('TrainingJob', {
    dataset: { name: 'flights' },
    framework: 'XGBoost',
    nodes: 2,
    image: 'trainer:1',
    command: ['python3', 'train.py'],
    output: { model: { name: 'delay' } },
    ...change,
  });
const modelVersion = (change: object = {}) =>
  manifest('ModelVersion', { artifact: { path: 'models/a', digest: DIGEST, format: 'Onnx' }, ...change });
const RUNTIME = { kind: 'ServingRuntime', name: 'a' };
const runtime = (change: object = {}) =>
  manifest('ServingRuntime', { image: 'a:1', formats: [{ name: 'Onnx' }], ports: { http: 8080 }, ...change });
const gate = (change: object = {}) => ({ name: 'auc', metric: 'test.auc', min: 0.7, ...change });
const gated = (evaluation: object | undefined, ...gates: readonly object[]) =>
  manifest('Model', {
    ...(evaluation === undefined
      ? {}
      : { evaluation: { dataset: { name: 'flights' }, metrics: ['Auc', 'LogLoss'], ...evaluation } }),
    gates,
  });
const alias = (change: object = {}, name = 'delay.champion') =>
  manifest(
    'ModelAlias',
    { model: { name: 'delay' }, alias: 'champion', modelVersion: { name: 'a-1' }, ...change },
    name,
  );
const approval = (change: object = {}, name = 'a-1.ana') =>
  manifest('Approval', { modelVersion: { name: 'a-1' }, decision: 'Approved', by: 'ana@acme.io', ...change }, name);
const service = (change: object = {}) => manifest('InferenceService', { modelVersion: { name: 'a-1' }, ...change });

const stepwise = (...steps: object[]) => service({ rollout: { strategy: 'Canary', canary: { steps } } });
const analysed = (analysis: object, step: object = { weight: 5, atLeast: '1m' }) =>
  service({ rollout: { strategy: 'Canary', canary: { steps: [step], analysis } } });
const judgedBy = (check: object) => analysed({ checks: [{ name: 'a', ...check }] });
const BESIDE_STABLE = { metric: 'LatencyP95', notWorseThanStable: { factor: 1.1 } };
const modelRollout = (change: object = {}) =>
  manifest(
    'ModelRollout',
    {
      inferenceService: { name: 'fare' },
      from: { revision: 'fare-1' },
      to: { revision: 'fare-2' },
      cause: 'SpecChange',
      ...change,
    },
    'fare-1',
  );
const byGatewayApi = {
  expose: { hosts: ['a.example.org'], by: 'GatewayApi', gateway: { name: 'public', namespace: 'infra' } },
};
const scaled = (scaling: object) => service({ scaling });
const target = { concurrency: 4 };
const time = { from: '0 7 * * MON,FRI', until: '30 18 * * 1-5', timeZone: 'Europe/Berlin', min: 4 };
const scheduled = (change: object) => scaled({ max: 8, target, schedule: [{ ...time, ...change }] });

async function dryRun(object: object): Promise<string> {
  const { stderr, code } = await plane.kubectl(
    ['apply', '--dry-run=server', '--validate=strict', '-f', '-'],
    JSON.stringify(object),
  );
  return code === 0 ? '' : stderr;
}

it('shows an object that nobody has looked at as not observed, so that whoever waits for it waits', async () => {
  const fresh = JSON.stringify(manifest('Store', { uri: 'pvc://lake' }, 'fresh'));
  expect((await plane.kubectl(['create', '-f', '-'], fresh)).stderr).toBe('');

  const { stdout } = await plane.kubectl(['get', 'store', 'fresh', '-o', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({ metadata: { generation: 1 }, status: { observedGeneration: -1 } });
});

describe('the API server', () => {
  it.each([
    store(),
    featureSet(),
    dataset(),
    trainingJob(),
    modelVersion(),
    modelVersion({ serve: { before: { image: 'a' }, after: { image: 'b', env: [{ name: 'X', value: 'y' }] } } }),
    manifest('Model', {}),
    gated({ rescore: ['champion'] }, gate({ notWorseThan: { alias: 'champion' } })),
    gated(undefined, gate({ metric: 'my.metric', sources: ['Training'] })),
    service(),
    scaled({ min: 0, max: 8, target: { latency: '250ms' }, idleAfter: '10m' }),
    scheduled({}),
    scheduled({ from: '*/15 0-6/2,22 1,15 JAN *' }),
    service(byGatewayApi),
    service({ expose: { hosts: ['fare.ml.example.org', 'svc.example.org', 'ml.svc.example.org', 'a.b'] } }),
    service({ expose: { ...byGatewayApi.expose, grpcHosts: ['b.example.org'] } }),
    service({ expose: { grpcHosts: ['b.example.org'], by: 'GatewayApi', gateway: { name: 'public' } } }),
    alias(),
    approval(),
  ] as Manifest[])('takes a small $kind', async (object) => {
    expect(await dryRun(object)).toBe('');
  });

  it('fills in the defaults of the schema', async () => {
    const { stdout } = await plane.kubectl(
      ['apply', '--server-side', '--dry-run=server', '-o', 'json', '-f', '-'],
      JSON.stringify(service()),
    );

    expect(JSON.parse(stdout)).toHaveProperty('spec', {
      modelVersion: { name: 'a-1' },
      scaling: { replicas: 1 },
      settings: { instances: 1 },
    });
  });

  it.each<[string, object, string]>([
    ['a field that is not there', store({ url: 'x' }), 'unknown field "spec.url"'],
    ['a wrong enum', store({ access: 'readwrite' }), 'supported values: "ReadWrite", "ReadOnly"'],
    ['a Store on S3', store({ uri: 's3://bucket' }), 'must be pvc://CLAIM or pvc://CLAIM/PATH'],
    ['a Store that leaves its path', store({ uri: 'pvc://lake/../x' }), 'must not contain ".."'],
    ['a long name of a parent', manifest('Store', { uri: 'pvc://lake' }, 'a'.repeat(41)), 'at most 40 characters'],
    ['a name that starts with a digit', manifest('Model', {}, '1a'), 'start with a letter'],
    ['a gate that asks nothing', gated({}, gate({ min: undefined })), 'give at least one of min, max and notWorseThan'],
    ['a gate with min above max', gated({}, gate({ max: 0.6 })), 'min must not be above max'],
    ['a gate without an evaluation', gated(undefined, gate()), 'add spec.evaluation, or name other sources'],
    ['a gate of a metric that is not measured', gated({}, gate({ metric: 'test.f1' })), 'does not measure'],
    ['a gate of the other split', gated({ split: 'Validation' }, gate()), 'does not measure'],
    [
      'a gate that compares with what is not scored',
      gated({}, gate({ notWorseThan: { alias: 'champion' } })),
      'list the alias of notWorseThan in spec.evaluation.rescore',
    ],
    [
      'a gate that compares what trainings say',
      gated({ rescore: ['champion'] }, gate({ sources: ['Training'], notWorseThan: { alias: 'champion' } })),
      'notWorseThan needs sources: [Evaluation]',
    ],
    ['two gates of one name', gated({}, gate(), gate({ min: 0.8 })), 'Duplicate value'],
    ['more to compare with than fits', gated({ rescore: ['a', 'b', 'c', 'd'] }, gate()), 'must have at most 3 items'],
    [
      'a path that leaves the Store',
      featureSet({ source: { files: { path: '../x.csv', format: 'Csv' } } }),
      'must not contain ".."',
    ],
    ['an absolute path', featureSet({ source: { files: { path: '/x.csv', format: 'Csv' } } }), 'must not start with /'],
    ['a ttl in days', featureSet({ ttl: '7d' }), 'there is no unit for days: write 24h'],
    ['no ttl', featureSet({ ttl: undefined }), 'spec.ttl: Required value'],
    [
      'a check of a feature that is not there',
      featureSet({ checks: [{ feature: 'x', min: 1 }] }),
      'every check must name a feature',
    ],
    [
      'a check that checks nothing',
      featureSet({ checks: [{ feature: 'temp' }] }),
      'give at least one of min, max and maxNullFraction',
    ],
    [
      'a check with min above max',
      featureSet({ checks: [{ feature: 'temp', min: 2, max: 1 }] }),
      'min must not be above max',
    ],
    [
      'a feature with the name of an entity',
      featureSet({ features: [{ name: 'origin', type: 'String' }] }),
      'a feature must not have the name of an entity',
    ],
    [
      'a column with a space',
      featureSet({ features: [{ name: 'wind speed', type: 'Float32' }] }),
      'rename the column in the transform',
    ],
    [
      'the same feature twice',
      featureSet({
        features: [
          { name: 'temp', type: 'Float32' },
          { name: 'temp', type: 'Float32' },
        ],
      }),
      'Duplicate value',
    ],
    ['an instant without a zone', dataset({ split: { validationFrom: '2013-09-01 00:00' } }), 'with Z or an offset'],
    [
      'a test split before validation',
      dataset({ split: { validationFrom: '2013-09-01T00:00:00Z', testFrom: '2013-08-01T00:00:00Z' } }),
      'validationFrom must be before testFrom',
    ],
    [
      'the label in the request',
      dataset({ rows: { ...rows, request: ['late'] } }),
      'the label must not be a request column',
    ],
    [
      'a FeatureSet twice',
      dataset({ features: [{ featureSet: { name: 'w' } }, { featureSet: { name: 'w' } }] }),
      'name each FeatureSet once',
    ],
    ['a framework that is not known', trainingJob({ framework: 'Torch' }), 'supported values: "XGBoost", "Plain"'],
    ['several nodes without a framework', trainingJob({ framework: 'Plain' }), 'set nodes to 1'],
    ['a variable of ours', trainingJob({ env: [{ name: 'DMLC_ROLE', value: 'x' }] }), 'are set by Slipway'],
    ['no node', trainingJob({ nodes: 0 }), 'should be greater than or equal to 1'],
    [
      'a short digest',
      modelVersion({ artifact: { path: 'a', digest: 'sha256:12', format: 'Onnx' } }),
      '64 hexadecimal digits',
    ],
    [
      'a format in small letters',
      modelVersion({ artifact: { path: 'a', digest: DIGEST, format: 'sklearn' } }),
      'must be the name of a format in its own spelling',
    ],
    [
      'our own format in another spelling',
      modelVersion({ artifact: { path: 'a', digest: DIGEST, format: 'ONNX' } }),
      'is spelled Onnx',
    ],
    ['steps that are none', modelVersion({ serve: {} }), 'give before, after, or both'],
    ['a step without an image', modelVersion({ serve: { before: {} } }), 'spec.serve.before.image: Required value'],
    [
      'a step at a port of the server',
      modelVersion({ serve: { after: { image: 'a', port: 8080 } } }),
      'must be another port than those of the model server',
    ],
    [
      'two steps at one port',
      modelVersion({ serve: { before: { image: 'a' }, after: { image: 'a', port: 9001 } } }),
      'give them different ports',
    ],
    ['a runtime for nothing', runtime({ formats: [] }), 'should have at least 1 items'],
    ['a runtime without a port', runtime({ ports: {} }), 'spec.ports.http: Required value'],
    ['one port for two protocols', runtime({ ports: { http: 8080, grpc: 8080 } }), 'another port than ports.http'],
    ['a port that is taken', runtime({ ports: { http: 80, metrics: 80 } }), 'another port than those for requests'],
    ['a runtime that sets a variable of ours', runtime({ env: [{ name: 'SLIPWAY_X', value: '1' }] }), 'set by Slipway'],
    ['a variable without a value', runtime({ env: [{ name: 'X' }] }), 'give exactly one of value and valueFrom'],
    [
      'a model in the folder for scratch files',
      runtime({ model: { mountPath: '/tmp/m' } }),
      '/tmp is for scratch files',
    ],
    ['a model beside the root', runtime({ model: { mountPath: '/a/../b' } }), 'must be the absolute path of a folder'],
    ['a probe that is no path', runtime({ probes: { ready: 'health?x=1' } }), 'must be a path of HTTP'],
    ['a start without an end', runtime({ probes: { startup: '25h' } }), 'must be from 1s to 24h'],
    [
      'a label of ours',
      service({ pod: { metadata: { labels: { 'slipway.dev/x': 'a' } } } }),
      'are set by Slipway; take others',
    ],
    ['a variable of ours for a server', service({ env: [{ name: 'SLIPWAY_A', value: 'x' }] }), 'are set by Slipway'],
    [
      'settings for a server of others',
      service({ runtime: RUNTIME, settings: { maxBatch: 8 } }),
      'in env of the runtime',
    ],
    ['several copies on one thread', service({ settings: { isolation: 'None', instances: 2 } }), 'leave instances out'],
    ['a timeout of no time', service({ settings: { timeout: '0s' } }), 'timeout must be from 1ms to 24h'],
    ['memory without a unit', service({ settings: { cache: '64' } }), 'an amount of memory with Ki, Mi or Gi'],
    ['a runtime of no kind', service({ runtime: { name: 'mlserver' } }), 'spec.runtime.kind: Required value'],
    ['a version in another namespace', service({ modelVersion: { name: 'a', namespace: 'b' } }), 'unknown field'],
    ['a reference with capitals', service({ modelVersion: { name: 'Fraud' } }), 'must be the name of an object'],
    [
      'an alias under another name',
      alias({ alias: 'candidate' }),
      'metadata.name must be <spec.model.name>.<spec.alias>',
    ],
    ['an alias with a dot', alias({ alias: 'a.b' }, 'delay.a.b'), 'must be a word of at most 22'],
    ['evidence in the clear', alias({ evidence: 'http://git.acme.io/1' }), 'must be an https:// link'],
    ['an Approval that nobody gave', approval({ by: undefined }), 'spec.by: Required value'],
    ['a doubtful Approval', approval({ decision: 'Maybe' }), 'supported values: "Approved", "Rejected"'],
    ['an Approval named after another version', approval({}, 'a-2.ana'), '<spec.modelVersion.name>.<who>'],
    ['more pods at the least than at the most', scaled({ min: 5, max: 4 }), 'min must not be above max'],
    ['a target without a bound', scaled({ target: { concurrency: 4 } }), 'a target needs max'],
    ['two targets', scaled({ max: 4, target: { concurrency: 4, latency: '1s' } }), 'give exactly one of concurrency'],
    ['no target in a target', scaled({ max: 4, target: {} }), 'give exactly one of concurrency'],
    ['a target of nothing', scaled({ max: 4, target: { concurrency: 0 } }), 'should be greater than 0'],
    ['an idle time without zero', scaled({ min: 1, max: 4, target, idleAfter: '1m' }), 'it needs a target and min: 0'],
    ['an idle time that is too short', scaled({ min: 0, max: 4, target, idleAfter: '1s' }), 'must be from 10s to 24h'],
    ['a schedule without a target', scaled({ schedule: [time] }), 'schedule needs a target'],
    ['a schedule above max', scaled({ max: 2, target, schedule: [time] }), 'min of a schedule must not be above max'],
    ['a minute that does not exist', scheduled({ from: '60 7 * * *' }), 'must have the five fields of cron'],
    ['four fields', scheduled({ from: '0 7 * *' }), 'must have the five fields of cron'],
    ['a range from its end', scheduled({ until: '0 19 * * 5-1' }), 'the first value of a range must not be above'],
    ['a time zone that does not exist', scheduled({ timeZone: 'Europe/Narnia' }), 'Europe/Narnia'],
    ['no host', service({ expose: { hosts: [] } }), 'should have at least 1 items'],
    ['a host twice', service({ expose: { hosts: ['a.example.org', 'a.example.org'] } }), 'Duplicate value'],
    ['a host for all', service({ expose: { hosts: ['*.example.org'] } }), 'without a port and without "*"'],
    [
      'a Gateway without the Gateway API',
      service({ expose: { hosts: ['a.example.org'], gateway: { name: 'public' } } }),
      'with by: GatewayApi and only with that',
    ],
    [
      'the Gateway API without a Gateway',
      service({ expose: { hosts: ['a.example.org'], by: 'GatewayApi' } }),
      'with by: GatewayApi and only with that',
    ],
    ['no host at all', service({ expose: { by: 'GatewayApi', gateway: { name: 'public' } } }), 'at least one host'],
    [
      'no host for gRPC',
      service({ expose: { ...byGatewayApi.expose, grpcHosts: [] } }),
      'should have at least 1 items',
    ],
    [
      'hosts for gRPC alone without the Gateway API',
      service({ expose: { hosts: ['a.example.org'], grpcHosts: ['b.example.org'] } }),
      'grpcHosts are only for by: GatewayApi',
    ],
    [
      'a host for requests of two kinds',
      service({ expose: { ...byGatewayApi.expose, grpcHosts: ['b.example.org', 'a.example.org'] } }),
      'in hosts or in grpcHosts, not in both',
    ],
    [
      'access by the Gateway API',
      service({ ...byGatewayApi, access: { from: [{ namespace: { name: 'team' } }] } }),
      "access is checked by Slipway's gateways alone",
    ],
    [
      'a target by the Gateway API',
      service({ ...byGatewayApi, scaling: { max: 3, target: { concurrency: 4 } } }),
      "scaling.target needs Slipway's gateways",
    ],
    ['a host with capitals', service({ expose: { hosts: ['Fare.example.org'] } }), 'a DNS name in small letters'],
    ['a host with a port', service({ expose: { hosts: ['fare.example.org:80'] } }), 'a DNS name in small letters'],
    ['a host without a dot', service({ expose: { hosts: ['fare'] } }), 'with at least one dot'],
    ['an address as host', service({ expose: { hosts: ['10.0.0.1'] } }), 'a DNS name in small letters'],
    ['a host with a long part', service({ expose: { hosts: [`${'a'.repeat(64)}.org`] } }), 'a DNS name in small'],
    ['the name of a service', service({ expose: { hosts: ['fare.team.svc'] } }), 'that services have by themselves'],
    ['its long name', service({ expose: { hosts: ['fare.team.svc.my.corp'] } }), 'that services have by themselves'],
    ['a name of the cluster', service({ expose: { hosts: ['x.cluster.local'] } }), 'that services have by themselves'],
    ['a name for port forwards', service({ expose: { hosts: ['x.localhost'] } }), 'that services have by themselves'],
    [
      'steps without Canary',
      service({ rollout: { strategy: 'Rolling', canary: { steps: [{ weight: 5 }] } } }),
      'strategy: Canary',
    ],
    ['Canary without steps', service({ rollout: { strategy: 'Canary' } }), 'give canary, the steps to take'],
    ['weights that fall', stepwise({ weight: 50 }, { weight: 25 }), 'weights must rise from step to step'],
    [
      'a weight twice',
      stepwise({ weight: 50, atLeast: '1m' }, { weight: 50 }),
      'two steps must not have the same weight',
    ],
    ['an analysis of nothing', analysed({ checks: [] }), 'should have at least 1 items'],
    [
      'a check twice',
      analysed({ checks: [BESIDE_STABLE, BESIDE_STABLE].map((one) => ({ name: 'a', ...one })) }),
      'Duplicate value',
    ],
    ['a check without a limit', judgedBy({ metric: 'ErrorRate' }), 'give exactly one of max'],
    ['a check with two limits', judgedBy({ ...BESIDE_STABLE, maxLatency: '1s' }), 'give exactly one of max'],
    ['a share of a latency', judgedBy({ metric: 'LatencyP95', max: 0.1 }), 'write maxLatency: 250ms'],
    ['more of a latency', judgedBy({ metric: 'LatencyP95', notWorseThanStable: { by: 0.1 } }), 'or byLatency: 50ms'],
    ['a latency of errors', judgedBy({ metric: 'ErrorRate', maxLatency: '1s' }), 'write max: 0.01'],
    [
      'errors that take longer',
      judgedBy({ metric: 'ErrorRate', notWorseThanStable: { byLatency: '1s' } }),
      'or by: 0.01',
    ],
    ['a latency of a day', judgedBy({ metric: 'LatencyP95', maxLatency: '24h' }), 'maxLatency must be from 1ms to 10m'],
    [
      'a difference of nothing',
      judgedBy({ metric: 'LatencyP95', notWorseThanStable: { byLatency: '0s' } }),
      'byLatency must be from 1ms to 10m',
    ],
    [
      'beside stable without a word',
      judgedBy({ metric: 'ErrorRate', notWorseThanStable: {} }),
      'give exactly one of factor',
    ],
    [
      'beside stable in two ways',
      judgedBy({ metric: 'ErrorRate', notWorseThanStable: { factor: 2, by: 0.1 } }),
      'give exactly one of factor',
    ],
    [
      'better than stable',
      judgedBy({ metric: 'ErrorRate', notWorseThanStable: { factor: 0.5 } }),
      'greater than or equal to 1',
    ],
    [
      'an end without data at a step without a time',
      analysed({ onNoData: 'Abort', checks: [{ name: 'a', ...BESIDE_STABLE }] }, { weight: 5 }),
      'needs atLeast, the time for which it waits for requests',
    ],
    ['copies after a weight', stepwise({ weight: 5 }, { mirrorPercent: 5, atLeast: '1m' }), 'before the first weight'],
    ['copies without an end', stepwise({ mirrorPercent: 5 }), 'needs atLeast'],
    [
      'a step of both',
      stepwise({ mirrorPercent: 5, weight: 5, atLeast: '1m' }),
      'exactly one of weight and mirrorPercent',
    ],
    ['a last step of 100 %', stepwise({ weight: 100 }), 'should be less than or equal to 99'],
    ['fewer than no replicas', service({ scaling: { replicas: -1 } }), 'should be greater than or equal to 0'],
  ])('refuses %s', async (_, object, message) => {
    expect(await dryRun(object)).toContain(message);
  });

  it('refuses to change a ModelVersion', async () => {
    await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(modelVersion()));

    expect(await dryRun(modelVersion({ number: 2 }))).toContain('a ModelVersion is immutable; make a new one');
  });

  it('lets people say what they want of a ModelRollout, and not take back what was said', async () => {
    const said = { verdict: 'Abort', approvedStep: 2, try: 2 };
    await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(modelRollout(said)));

    expect(await dryRun(modelRollout({ ...said, state: 'Paused' }))).toBe('');
    expect(await dryRun(modelRollout({ ...said, to: { revision: 'fare-3' } }))).toContain(
      'from, to and cause never change',
    );
    expect(await dryRun(modelRollout({ ...said, approvedStep: 1 }))).toContain('approvedStep never falls');
    expect(await dryRun(modelRollout({ ...said, try: 1 }))).toContain('try never falls');
    expect(await dryRun(modelRollout({ ...said, verdict: 'Auto' }))).toContain('raise try in the same change');
    expect(await dryRun(modelRollout({ ...said, verdict: 'Auto', try: 3 }))).toBe('');
  });

  it('refuses to change an Approval, and says how to decide otherwise', async () => {
    await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(approval()));

    expect(await dryRun(approval({ decision: 'Rejected' }))).toContain('an Approval is immutable; delete it');
  });

  it('lets an alias move to another version', async () => {
    await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(alias()));

    expect(await dryRun(alias({ modelVersion: { name: 'a-2' }, by: 'ana@acme.io' }))).toBe('');
  });

  it('takes a runtime of the cluster, which belongs to no namespace', async () => {
    expect(await dryRun({ ...runtime(), kind: 'ClusterServingRuntime' })).toBe('');
    const { stdout } = await plane.kubectl([
      'api-resources',
      '--api-group=slipway.dev',
      '--namespaced=false',
      '-o',
      'name',
    ]);
    expect(stdout.trim()).toBe('clusterservingruntimes.slipway.dev');
  });

  it('answers kubectl get slipway', async () => {
    const { stdout, code } = await plane.kubectl(['get', 'slipway', '-A']);

    expect(code).toBe(0);
    expect(stdout).toContain('modelversion.slipway.dev/a');
  });

  it('takes every object of every example', async () => {
    const files = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.yaml'),
    );
    const objects = files.flatMap((path) =>
      (loadAll(readFileSync(join(root, 'examples', path), 'utf8')) as (Manifest | null)[])
        .filter((object) => object !== null && !object.apiVersion.startsWith('kustomize'))
        .map((object) => ({ path, object })),
    );

    expect(objects.length).toBeGreaterThan(0);
    for (const { path, object } of objects) {
      expect({ path, refused: await dryRun(object as object) }).toEqual({ path, refused: '' });
    }
  });
});
