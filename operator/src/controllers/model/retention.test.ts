import type { InferenceService, ModelAlias, ModelVersion } from '@slipway/crds';
import type { Cache, ControllerRevision, Deployment, Job, KubeObject } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aModel, aModelAlias } from '../../testing/data-fixtures.ts';
import { aJob, aModelVersion, anInferenceService } from '../../testing/fixtures.ts';
import { isHeldVersion, retiredNote, surplusVersions } from './retention.ts';

type Verdict = 'passed' | 'failed' | 'rejected' | 'open' | 'unread';

const TOLD: Readonly<Record<Verdict, Readonly<Record<string, string>>>> = {
  passed: { Ready: 'True', GatesPassed: 'True', Approved: 'True' },
  failed: { Ready: 'True', GatesPassed: 'False', Approved: 'Unknown' },
  rejected: { Ready: 'True', GatesPassed: 'True', Approved: 'False' },
  open: { Ready: 'True', GatesPassed: 'True', Approved: 'Unknown' },
  unread: { Ready: 'False', GatesPassed: 'True', Approved: 'True' },
};

function version(number: number, verdict: Verdict = 'passed', metadata: object = {}): ModelVersion {
  const object = aModelVersion(`delay-${number}`, metadata, { model: { name: 'delay' }, number });
  const conditions = Object.entries(TOLD[verdict]).map(([type, status]) => {
    return { type, status, reason: 'r', message: 'm', lastTransitionTime: '2026-11-23T09:00:00Z' };
  });
  return { ...object, status: { conditions } } as ModelVersion;
}

const going = { deletionTimestamp: '2026-11-23T09:00:00Z' };

function surplus(keepLast: number | undefined, versions: readonly ModelVersion[], held: readonly number[] = []) {
  const model = aModel(keepLast === undefined ? {} : { retention: { keepLast } });
  return surplusVersions(model, versions, ({ spec }) => held.includes(spec.number)).map(({ spec }) => spec.number);
}

describe('the versions that are too many', () => {
  it.each<[string, number[], number[]]>([
    ['none where all are kept', surplus(undefined, [version(1), version(2)]), []],
    ['none while there are as many as are kept', surplus(2, [version(1), version(2)]), []],
    ['the oldest, in whatever order they come', surplus(2, [version(2), version(4), version(1), version(3)]), [2, 1]],
    [
      'old ones that failed or were rejected, which are not counted',
      surplus(2, [version(5), version(4, 'failed'), version(3), version(2, 'failed'), version(1, 'rejected')]),
      [2, 1],
    ],
    ['no failed one while too few have passed', surplus(2, [version(2), version(1, 'failed')]), []],
    [
      'none that is not judged yet, or whose bytes cannot be read',
      surplus(1, [version(4), version(3, 'open'), version(2, 'unread'), version(1)]),
      [1],
    ],
    ['none that is held, which counts', surplus(2, [version(4), version(3), version(2), version(1)], [3, 2]), [1]],
    ['none for one that is being deleted', surplus(2, [version(3), version(2, 'passed', going), version(1)]), []],
    [
      'the older of two with one number',
      surplus(1, [
        version(1, 'passed', { name: 'a', creationTimestamp: '2026-11-23T08:00:00Z' }),
        version(1, 'passed', { name: 'b', creationTimestamp: '2026-11-23T09:00:00Z' }),
      ]),
      [1],
    ],
  ])('are %s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('are told of with where the bytes stay', () => {
    expect(retiredNote(aModel({ retention: { keepLast: 2 } }), version(1)).message).toBe(
      'ModelVersion "delay-1" was deleted: spec.retention keeps 2. Its bytes stay in Store "default" at models/delay-1.',
    );
  });
});

interface World {
  readonly services?: readonly InferenceService[];
  readonly aliases?: readonly ModelAlias[];
  readonly deployments?: readonly Deployment[];
  readonly revisions?: readonly ControllerRevision[];
  readonly jobs?: readonly Job[];
}

function isHeld(world: World, metadata: object = {}): boolean {
  const all = <T extends KubeObject>(objects: readonly T[] = []) =>
    ({ get: () => objects[0], byIndex: () => objects }) as unknown as Cache<T>;
  return isHeldVersion(
    {
      inferenceServices: all(world.services),
      modelAliases: all(world.aliases),
      deployments: all(world.deployments),
      controllerRevisions: all(world.revisions),
      jobs: all(world.jobs),
    },
    version(1, 'passed', metadata),
  );
}

describe('a version', () => {
  const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'flights-a' }, revision: 1 };
  const ended = aJob({ metadata: { name: 'j', annotations: { 'slipway.dev/result': '{"ok":true}' } } });

  it.each<[string, World, object, boolean]>([
    ['is not held by nothing', {}, {}, false],
    ['is held by a service', { services: [anInferenceService()] }, {}, true],
    ['is held by an alias', { aliases: [aModelAlias()] }, {}, true],
    ['is held by a revision to which a service can go back', { revisions: [revision] }, {}, true],
    ['is held by a Job that is at work on it', { jobs: [aJob()] }, {}, true],
    ['is not held by a Job that has ended', { jobs: [ended] }, {}, false],
    ['is held by a finalizer', {}, { finalizers: ['slipway.dev/in-use'] }, true],
  ])('%s', (_, world, metadata, expected) => {
    expect(isHeld(world, metadata)).toBe(expected);
  });
});
