import type { AliasMove, ModelVersion } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { aModel, aModelAlias } from '../../testing/data-fixtures.ts';
import { aModelVersion, NOW } from '../../testing/fixtures.ts';
import { moveNote } from './history.ts';
import type { ObservedModelAlias } from './observe.ts';
import { modelAliasStatus } from './status.ts';

const CREATED = '2026-11-23T09:00:00Z';

function versionOf(model: string | undefined, metadata: object = {}): ModelVersion {
  const version = aModelVersion('delay-1', metadata);
  return model === undefined ? version : { ...version, spec: { ...version.spec, model: { name: model } } };
}

function observed(more: Partial<ObservedModelAlias> = {}): ObservedModelAlias {
  const alias = aModelAlias({ by: 'ana' }, { creationTimestamp: CREATED });
  return { alias, model: aModel(), version: versionOf('delay'), signature: 'Verified', ...more };
}

/** The alias after it was moved, with what the status told before. */
function moved(to: string, history: readonly AliasMove[]): ObservedModelAlias {
  const alias = aModelAlias({ modelVersion: { name: to }, by: 'bob' }, { creationTimestamp: CREATED, generation: 2 });
  return observed({ alias: { ...alias, status: { history: [...history] } } });
}

const first: AliasMove = { at: CREATED, modelVersion: 'delay-1', by: 'ana', signature: 'Verified' };

describe('an alias', () => {
  it('is Ready where it means a version of its Model', () => {
    expect(modelAliasStatus(observed(), NOW)).toMatchObject({
      by: 'Verified',
      conditions: [{ type: 'Ready', status: 'True', message: 'champion of Model "delay" is ModelVersion "delay-1".' }],
    });
  });

  it.each([
    ['has no Model', { model: undefined }, 'Reconciling ModelNotFound: There is no Model "delay" in this namespace.'],
    ['has no version', { version: undefined }, 'Reconciling ModelVersionNotFound: There is no ModelVersion "delay-1"'],
    [
      'means a version of another Model',
      { version: versionOf('fare') },
      'Stalled ModelMismatch: ModelVersion "delay-1" is a version of Model "fare". Name a version of Model "delay"',
    ],
    [
      'means a version of no Model',
      { version: versionOf(undefined) },
      'Stalled ModelMismatch: ModelVersion "delay-1" is a version of no Model, since it has no spec.model.',
    ],
    [
      'means a version that goes',
      { version: versionOf('delay', { deletionTimestamp: CREATED }) },
      'Reconciling ModelVersionNotReady: ModelVersion "delay-1" is being deleted.',
    ],
  ])('that %s is not Ready, and says why', (_, more, expected) => {
    const [ready, other] = modelAliasStatus(observed(more), NOW).conditions;

    expect(ready).toMatchObject({ type: 'Ready', status: 'False' });
    expect(`${other?.type} ${other?.reason}: ${other?.message}`.startsWith(expected)).toBe(true);
  });
});

describe('the history of an alias', () => {
  const historyOf = (one: ObservedModelAlias) => modelAliasStatus(one, NOW).history;

  it('begins with its creation', () => {
    expect(historyOf(observed())).toEqual([first]);
  });

  it('stays as it is while nobody moves the alias', () => {
    const alias = { ...aModelAlias({ by: 'ana' }), status: { history: [first] } };

    expect(historyOf(observed({ alias }))).toEqual([first]);
  });

  it('has each move, the newest first', () => {
    expect(historyOf(moved('delay-2', [first]))).toEqual([
      { at: '2026-11-23T10:00:00Z', modelVersion: 'delay-2', by: 'bob', signature: 'Verified' },
      first,
    ]);
  });

  it('has who signed the same version anew', () => {
    expect(historyOf(moved('delay-1', [first]))?.map(({ by }) => by)).toEqual(['bob', 'ana']);
  });

  it('begins anew where the status was lost, at the time when that was seen', () => {
    expect(historyOf(moved('delay-2', []))).toMatchObject([{ at: '2026-11-23T10:00:00Z', modelVersion: 'delay-2' }]);
  });

  it('forgets what is longer ago than twenty moves', () => {
    const before = Array.from({ length: 20 }, (_, index) => ({ ...first, modelVersion: `delay-${20 - index}` }));

    const after = historyOf(moved('delay-21', before));

    expect(after).toHaveLength(20);
    expect([after?.[0]?.modelVersion, after?.at(-1)?.modelVersion]).toEqual(['delay-21', 'delay-2']);
  });
});

describe('the Event of a move', () => {
  it('says from where, to where, and who signed it', () => {
    expect(moveNote(moved('delay-2', [first]))).toMatchObject({
      reason: 'AliasMoved',
      message: 'Alias "champion" of Model "delay" was moved from delay-1 to delay-2 by bob (Verified).',
    });
  });

  it('says so where nobody has signed', () => {
    const alias = { ...aModelAlias({ modelVersion: { name: 'delay-2' } }), status: { history: [first] } };

    expect(moveNote(observed({ alias }))?.message).toContain('to delay-2; nobody signed it.');
  });

  it.each([
    ['a new alias', observed()],
    ['an alias that means what it meant', moved('delay-1', [first])],
  ])('is not told of %s', (_, one) => {
    expect(moveNote(one)).toBeUndefined();
  });
});
