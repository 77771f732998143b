import type { ModelAlias, ModelVersion } from '@slipway/crds';
import type { Cache } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aModelAlias } from '../../../testing/data-fixtures.ts';
import { aModelVersion, DIGEST } from '../../../testing/fixtures.ts';
import type { Signature } from './compare-signatures.ts';
import { comparedWith, compatibleCondition, counterpartOf } from './compatible.ts';

const width = (columns: number): Signature => ({
  inputs: [{ name: 'x', dtype: 'Float32', shape: [-1, columns] }],
  outputs: [],
});

function version(number: number, signature: Signature | undefined = width(5), model = 'delay'): ModelVersion {
  const object = aModelVersion(`${model}-${number}`, {}, { model: { name: model }, number });
  return { ...object, status: { conditions: [], ...(signature && { signature }) } } as unknown as ModelVersion;
}

const stepped = ({ spec, ...more }: ModelVersion): ModelVersion => {
  return { ...more, spec: { ...spec, serve: { before: { image: 'a', port: 9001 } } } };
};
const unverified = (number: number): ModelVersion =>
  ({ ...version(number), status: undefined }) as unknown as ModelVersion;

function cachesOf(versions: readonly ModelVersion[], champion?: string) {
  const alias = champion === undefined ? undefined : aModelAlias({ modelVersion: { name: champion } });
  return {
    modelAliases: { get: () => alias } as unknown as Cache<ModelAlias>,
    modelVersions: {
      byIndex: (_: string, key: string) => versions.filter(({ spec }) => `team/${spec.model?.name}` === key),
    } as unknown as Cache<ModelVersion>,
  };
}

function told(own: ModelVersion, others: readonly ModelVersion[], champion?: string): string {
  const signature = own.status?.signature;
  const { status, reason, message } = compatibleCondition({
    version: own,
    verification: {
      job: undefined,
      pods: [],
      outcome:
        signature === undefined
          ? { state: 'running' }
          : { state: 'succeeded', result: { ok: true, digest: DIGEST, bytes: 1, signature } },
    },
    counterpart: counterpartOf(cachesOf([...others, own], champion), own),
  });
  return `${status} ${reason}: ${message}`;
}

describe('Compatible', () => {
  it.each<[string, string, string]>([
    [
      'one that is the same behind a step, which alone knows what callers send',
      told(stepped(version(2, width(4))), [version(1)]),
      'Unknown SignatureUnknown: What callers send to a step before a model, and get of one after it, only those know. What else they see fits.',
    ],
    [
      'the first version',
      told(version(1), [version(2)]),
      'True NothingToCompare: There is no champion and no earlier version with which to compare its signature.',
    ],
    [
      'one like the version before it',
      told(version(3), [version(1, width(4)), version(2), version(4, width(4))]),
      'True SignatureCompatible: Who calls ModelVersion "delay-2" can call it the same way.',
    ],
    [
      'one like the last version that could be read',
      told(version(3), [version(1), unverified(2)]),
      'True SignatureCompatible: Who calls ModelVersion "delay-1" can call it the same way.',
    ],
    [
      'one unlike the champion, though like the version before it',
      told(version(3, width(6)), [version(1), version(2, width(6))], 'delay-1'),
      'False IncompatibleSignature: Who calls ModelVersion "delay-1" (champion) cannot call it the same way. Input "x" had the shape [-1, 5], and has [-1, 6].',
    ],
    [
      'the champion',
      told(version(1), [version(2, width(6))], 'delay-1'),
      'True NothingToCompare: It is the champion itself.',
    ],
    [
      'one that is not verified yet',
      told(unverified(2), [version(1)]),
      'Unknown WaitingForVerification: Its own signature is known once the bytes are verified.',
    ],
    [
      'one whose champion is not',
      told(version(2), [unverified(1)], 'delay-1'),
      'Unknown WaitingForVerification: The signature of ModelVersion "delay-1" (champion) is known once the bytes are verified.',
    ],
    [
      'a version of another Model',
      told(version(2, width(6), 'fare'), [version(1)]),
      'True NothingToCompare: There is no champion and no earlier version with which to compare its signature.',
    ],
  ])('of %s', (_, found, expected) => {
    expect(found).toBe(expected);
  });
});

describe('the versions that are compared with another', () => {
  const versions = [version(1), version(2), version(3)];
  const names = (own: number, champion?: string) =>
    comparedWith(cachesOf(versions, champion), version(own)).map(({ metadata }) => metadata.name);

  it.each([
    ['those after it', names(2), ['delay-3']],
    ['all, with the champion', names(2, 'delay-2'), ['delay-1', 'delay-2', 'delay-3']],
    ['none, with what is not the champion', names(1, 'delay-2'), []],
  ])('are %s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });
});
