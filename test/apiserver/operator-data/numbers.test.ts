/** Numbers of versions on a real API server: never twice, one version a result, whatever was done before. */
import type { ModelVersion } from '@slipway/crds';
import { builtin, toOperatorError } from '@slipway/kube';
import type { Job, KubeClient, Scope } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { publishVersion } from '../../../operator/src/versions/publish-version.ts';
import type { PublishedVersion, VersionRequest } from '../../../operator/src/versions/publish-version.ts';
import { versionName } from '../../../operator/src/versions/version-name.ts';
import { silent, startHarness } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import { namespaceNamed } from '../operator/objects.ts';
import { digestOf, model } from './objects.ts';
import { worldOf } from './world.ts';
import type { World } from './world.ts';

const NS = 'numbers';
const key = (name: string) => ({ namespace: NS, name });
const manager = { fieldManager: 'slipway.dev/training-job.lifecycle' };
const scope: Scope = {
  log: silent,
  signal: new AbortController().signal,
  controller: 'test',
  reconcileId: 'r',
  reasons: [],
};
let harness: Harness;
let world: World;

beforeAll(async () => {
  harness = await startHarness(() => ({ kind: 'wait' }));
  world = worldOf(harness, NS);
  await harness.apply(namespaceNamed(NS), model(NS));
});
afterAll(() => harness?.stop());

async function makeJob(name: string, annotations: Record<string, string> = {}): Promise<Job> {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'batch', image: 'x' }] } };
  const metadata = { ...key(name), annotations };
  return harness.client.create(
    builtin.Job,
    { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template } },
    manager,
  );
}

function versionOf(number: number, run: string): ModelVersion {
  const digest = digestOf(run);
  const artifact = { store: { name: 'default' }, path: `models/${run}`, digest, format: 'Onnx' as const };
  const metadata = key(versionName('delay', number, digest));
  const spec = { model: { name: 'delay' }, number, artifact, lineage: { run } };
  return { apiVersion: 'slipway.dev/v1alpha1', kind: 'ModelVersion', metadata, spec };
}

function requestFor(job: Job, run: string, usedNumbers: number[] = []): VersionRequest<ModelVersion> {
  return {
    parent: { kind: kinds.Model, key: key('delay') },
    job,
    kind: kinds.ModelVersion,
    usedNumbers,
    build: (number) => versionOf(number, run),
    isSame: (existing) => existing.spec.lineage?.run === run,
  };
}

/** As the work queue does: a conflict, here with the Job controller of Kubernetes, is tried again. */
async function publish(request: VersionRequest<ModelVersion>): Promise<PublishedVersion> {
  for (;;) {
    try {
      return await publishVersion({ client: harness.client, ...manager }, request, scope);
    } catch (cause) {
      if (toOperatorError(cause).retry !== 'backoff') throw cause;
    }
  }
}

async function lastNumber(): Promise<number> {
  const { metadata } = await harness.client.get(kinds.Model, key('delay'));
  return Number(metadata.annotations?.['slipway.dev/last-number']);
}

const nameOf = async (request: VersionRequest<ModelVersion>) => (await publish(request)).name;

describe('publishVersion', () => {
  it('gives results that come at the same time different numbers, and each one version', async () => {
    const runs = Array.from({ length: 12 }, (_, index) => `run-${index}`);
    const jobs = await Promise.all(runs.map((run) => makeJob(run)));
    const requests = jobs.map((job, index) => requestFor(job, runs[index] ?? ''));
    const names = await Promise.all(requests.map(nameOf));
    expect(new Set(names).size).toBe(12);

    // Again, twice at a time, as two operators would that both believe to lead.
    const again = await Promise.all([...requests, ...requests].map(nameOf));
    expect(again).toEqual([...names, ...names]);
    const numbers = (await world.modelVersions()).map(({ spec }) => spec.number);
    expect(numbers).toHaveLength(12);
    expect(new Set(numbers).size).toBe(12);
  });

  it('makes one version when two work on the same result at the same time', async () => {
    const job = await makeJob('twin');
    const [a, b] = await Promise.all([nameOf(requestFor(job, 'twin')), nameOf(requestFor(job, 'twin'))]);
    expect(a).toBe(b);
    expect((await world.modelVersions()).filter(({ spec }) => spec.lineage?.run === 'twin')).toHaveLength(1);
  });

  it('goes on with the number that was reserved before a crash', async () => {
    const job = await makeJob('crashed', { 'slipway.dev/version-number': '500' });
    await harness.client.create(kinds.ModelVersion, versionOf(500, 'crashed'), manager);
    expect(await publish(requestFor(job, 'crashed'))).toEqual({
      name: versionOf(500, 'crashed').metadata.name,
      created: false,
    });
  });

  it('leaves a name alone that somebody else took, and takes the next number', async () => {
    const job = await makeJob('taken', { 'slipway.dev/version-number': '600' });
    const squatter = { ...versionOf(600, 'taken'), spec: versionOf(600, 'stranger').spec };
    await harness.client.create(kinds.ModelVersion, squatter, manager);
    const { name, created } = await publish(requestFor(job, 'taken'));

    expect(created).toBe(true);
    expect(name).toBe(versionOf(601, 'taken').metadata.name);
    expect((await harness.get(kinds.ModelVersion, key(squatter.metadata.name)))?.spec.lineage?.run).toBe('stranger');
  });

  it('keeps its number when the status of the Job moves in between', async () => {
    const job = await makeJob('moving');
    let moved = false;
    const client: KubeClient = {
      ...harness.client,
      mergePatch: async (kind, at, patch, options) => {
        if (kind.kind === 'Job' && !moved) {
          moved = true;
          const metadata = { labels: { moved: 'in-between' } };
          await harness.client.mergePatch(builtin.Job, at, { metadata }, manager);
        }
        return harness.client.mergePatch(kind, at, patch, options);
      },
    };
    const before = await lastNumber();
    const { name } = await publishVersion({ client, ...manager }, requestFor(job, 'moving'), scope);
    expect(name).toBe(versionOf(before + 1, 'moving').metadata.name);
    expect(await lastNumber()).toBe(before + 1);
  });

  it('stays above the versions that are there when the mark on the Model is lost', async () => {
    const annotations = { 'slipway.dev/last-number': null };
    await harness.client.mergePatch(kinds.Model, key('delay'), { metadata: { annotations } }, manager);
    const { name } = await publish(requestFor(await makeJob('late'), 'late', [3, 700, 5]));
    expect(name).toBe(versionOf(701, 'late').metadata.name);
  });

  it('says that the Model is missing', async () => {
    const request = {
      ...requestFor(await makeJob('orphan'), 'orphan'),
      parent: { kind: kinds.Model, key: key('nobody') },
    };
    await expect(publish(request)).rejects.toMatchObject({ reason: 'ModelNotFound', retry: 'waitForEvent' });
  });

  it('does not bring back a version that a person deleted', async () => {
    const job = await makeJob('gone');
    const { name } = await publish(requestFor(job, 'gone'));
    await harness.client.delete(kinds.ModelVersion, key(name));
    expect(await publish(requestFor(job, 'gone'))).toEqual({ name, created: false });
    expect(await harness.get(kinds.ModelVersion, key(name))).toBeUndefined();
  });
});
