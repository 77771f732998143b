/** The operator as a process: one leads, it gives the lease back, and it ends when the lease is lost. */
import { builtin } from '@slipway/kube';
import type { DatasetVersion } from '@slipway/crds';
import { startCollector } from '@slipway/telemetry/testing/collector.ts';
import type { CollectedSpan } from '@slipway/telemetry/testing/collector.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { DIGEST_A } from './objects.ts';

const LEASE = { namespace: 'default', name: 'slipway-operator' };
const WITH_LEASE = { SLIPWAY_LEADER_ELECTION: 'Enabled', SLIPWAY_LEASE_NAMESPACE: 'default' };
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(() => ({ kind: 'wait' }));
});
afterAll(() => harness?.stop());

async function holder(): Promise<string | undefined> {
  const lease = await harness.get(builtin.Lease, LEASE);
  return lease?.spec?.holderIdentity;
}

function datasetVersion(name: string) {
  const artifact = { store: { name: 'default' }, path: 'datasets/x', digest: DIGEST_A, bytes: 1 };
  const spec = { dataset: { name: 'x' }, number: 1, recipe: 'r', artifact, rows: { train: 1, validation: 2, test: 3 } };
  return { apiVersion: 'slipway.dev/v1alpha1', kind: 'DatasetVersion', metadata: { name, namespace: 'default' }, spec };
}

async function isRecorded(name: string): Promise<boolean> {
  const found = await harness.get<DatasetVersion>(kinds.DatasetVersion, { namespace: 'default', name });
  return found?.status?.conditions?.[0]?.reason === 'Recorded';
}

function isOf(name: string, attributes: CollectedSpan['attributes']): boolean {
  return String(attributes['url.full']).endsWith(`/datasetversions/${name}/status`);
}

describe('the operator process', () => {
  it('hands the work over to the one that waits when it is asked to stop', async () => {
    const first = harness.startOperator({ ...WITH_LEASE, SLIPWAY_IDENTITY: 'first' });
    await first.working();
    const second = harness.startOperator({ ...WITH_LEASE, SLIPWAY_IDENTITY: 'second' });
    await harness.apply(datasetVersion('one'));
    await eventually('the first works', () => isRecorded('one'));
    expect(await holder()).toMatch(/^first_/);

    expect(await first.stop()).toBe(0);
    await second.working();
    await harness.apply(datasetVersion('two'));
    await eventually('the second works', () => isRecorded('two'));
    expect(await holder()).toMatch(/^second_/);
  });

  it('ends with an error when somebody else has its lease', async () => {
    const running = harness.operators.find((operator) => operator.process.exitCode === null);
    const spec = { holderIdentity: 'an-impostor', renewTime: new Date().toISOString().replace('Z', '000Z') };
    await harness.client.mergePatch(builtin.Lease, LEASE, { spec }, { fieldManager: 'test' });
    expect(await running?.ended).toBe(1);
  });

  it('sends traces where the variables of OpenTelemetry ask for them, the last ones as it stops', async () => {
    const collector = await startCollector();
    const traced = harness.startOperator({
      SLIPWAY_LEADER_ELECTION: 'Disabled',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '600000',
    });
    await traced.working();
    await harness.apply(datasetVersion('traced'));
    await eventually('it is recorded', () => isRecorded('traced'));
    expect(await traced.stop()).toBe(0);
    collector.close();

    const passes = collector.spans.filter(({ attributes }) => attributes['slipway.object.name'] === 'traced');
    expect(passes.map(({ name }) => name)).toContain('reconcile dataset-version.lifecycle');
    const write = collector.spans.find(({ name, attributes }) => name === 'PATCH' && isOf('traced', attributes));
    expect(passes.map(({ spanId }) => spanId)).toContain(write?.parentSpanId);
    expect(write?.resource).toMatchObject({ 'service.name': 'slipway-operator' });
  });

  it('says which settings are missing', async () => {
    const broken = harness.startOperator({ SLIPWAY_SERVING_RUNTIME_IMAGE: '', SLIPWAY_LOG_LEVEL: 'loud' });
    expect(await broken.ended).toBe(1);
    expect(broken.output()).toContain(
      'SLIPWAY_SERVING_RUNTIME_IMAGE: must be set to the reference of a container image',
    );
    expect(broken.output()).toContain('SLIPWAY_LOG_LEVEL');
  });
});
