import type { InferenceService, ModelAlias } from '@slipway/crds';
import type { Cache, Deployment, KubeObject } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aModelAlias } from '../../testing/data-fixtures.ts';
import { aModelVersion, anInferenceService } from '../../testing/fixtures.ts';
import { inUse, usersOf } from './in-use.ts';

function cacheOf<T extends KubeObject>(objects: readonly T[], versionOf: (object: T) => string | undefined) {
  return {
    get: ({ name }: { name: string }) => objects.find(({ metadata }) => metadata.name === name),
    byIndex: (_: string, key: string) => objects.filter((object) => `team/${versionOf(object)}` === key),
  } as unknown as Cache<T>;
}

interface World {
  readonly services?: readonly InferenceService[];
  readonly aliases?: readonly ModelAlias[];
  readonly deployments?: readonly Deployment[];
}

function users({ services = [], aliases = [], deployments = [] }: World): readonly string[] {
  const caches = {
    inferenceServices: cacheOf(services, ({ spec }) => spec.modelVersion?.name),
    modelAliases: cacheOf(aliases, ({ spec }) => spec.modelVersion.name),
    deployments: cacheOf(deployments, ({ metadata }) => metadata.labels?.['slipway.dev/modelversion']),
  };
  return usersOf(caches, aModelVersion('delay-1'));
}

function deploymentOf(uid: string): Deployment {
  const owner = {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'InferenceService',
    name: 'flights',
    uid,
    controller: true,
  };
  const labels = { 'slipway.dev/modelversion': 'delay-1' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'flights-a', namespace: 'team', labels, ownerReferences: [owner] },
  };
}

const going = { deletionTimestamp: '2026-11-23T09:00:00Z' };
const elsewhere = anInferenceService({ modelVersion: { name: 'delay-2' } });

describe('the users of a version', () => {
  it.each<[string, World, readonly string[]]>([
    ['nobody', {}, []],
    ['a service that names it', { services: [anInferenceService()] }, ['InferenceService flights']],
    [
      'a service that still runs it, and names another',
      { services: [elsewhere], deployments: [deploymentOf('uid-of-flights')] },
      ['InferenceService flights'],
    ],
    ['not a service that is gone', { deployments: [deploymentOf('uid-of-flights')] }, []],
    ['not a namesake of it', { services: [elsewhere], deployments: [deploymentOf('another')] }, []],
    ['an alias that means it', { aliases: [aModelAlias()] }, ['ModelAlias delay.champion']],
    ['not an alias that is going', { aliases: [aModelAlias({}, going)] }, []],
    ['not an alias of another', { aliases: [aModelAlias({ modelVersion: { name: 'delay-2' } })] }, []],
    [
      'all of them, once each, sorted',
      {
        aliases: [aModelAlias()],
        services: [anInferenceService()],
        deployments: [deploymentOf('uid-of-flights')],
      },
      ['InferenceService flights', 'ModelAlias delay.champion'],
    ],
  ])('%s', (_, world, expected) => {
    expect(users(world)).toEqual(expected);
  });
});

describe('InUse', () => {
  it.each([
    ['nobody', [], 'False NotUsed', 'No InferenceService and no ModelAlias uses it.'],
    ['an alias alone', ['ModelAlias delay.champion'], 'True Aliased', 'Used by ModelAlias delay.champion.'],
    [
      'a service and an alias',
      ['InferenceService flights', 'ModelAlias delay.champion'],
      'True Serving',
      'Used by InferenceService flights, ModelAlias delay.champion.',
    ],
  ])('of %s', (_, by, expected, message) => {
    const condition = inUse(by);

    expect(`${condition.status} ${condition.reason}`).toBe(expected);
    expect(condition.message).toBe(message);
  });

  it('names ten, and counts the others', () => {
    const many = Array.from({ length: 12 }, (_, index) => `InferenceService s${index}`);

    expect(inUse(many).message).toMatch(/^Used by InferenceService s0, .* InferenceService s9 and 2 more\.$/);
  });
});
