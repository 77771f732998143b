import type { Model, ModelVersion } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { aModel } from '../../testing/data-fixtures.ts';
import { aModelVersion } from '../../testing/fixtures.ts';
import { judgeChange } from './interface-change.ts';

function version(name: string, columns?: number): ModelVersion {
  const signature = { inputs: [{ name: 'x', dtype: 'Float32', shape: [-1, columns ?? 0] }], outputs: [] };
  const status = { conditions: [], ...(columns === undefined ? {} : { signature }) };
  return { ...aModelVersion(name, {}, { model: { name: 'delay' } }), status } as ModelVersion;
}

function other(name: string): ModelVersion {
  const { spec, ...more } = version(name);
  return { ...more, spec: { ...spec, artifact: { ...spec.artifact, format: 'LightGBM' } } };
}

const stepped: ModelVersion = (() => {
  const { spec, ...more } = version('v2', 6);
  return { ...more, spec: { ...spec, serve: { before: { image: 'a', port: 9001 } } } };
})();
const warns = aModel();
const refuses = aModel({ compatibility: 'Refuse' });
const WORDS =
  'Who calls ModelVersion "v1", which serves now, cannot call ModelVersion "v2" the same way. Input "x" had the shape [-1, 5], and has [-1, 6].';

describe('a change of what a service serves', () => {
  it.each<[string, [ModelVersion, ModelVersion, Model | undefined], string | undefined, string | undefined]>([
    ['goes where callers can go on', [version('v1', 5), version('v2', 5), refuses], undefined, undefined],
    ['goes with a warning where they cannot', [version('v1', 5), version('v2', 6), warns], WORDS, undefined],
    ['goes with a warning where there is no Model', [version('v1', 5), version('v2', 6), undefined], WORDS, undefined],
    ['does not go where the Model refuses', [version('v1', 5), version('v2', 6), refuses], WORDS, 'VersionNotServable'],
    ['waits there for a signature', [version('v1'), version('v2', 6), refuses], undefined, 'ModelVersionNotReady'],
    [
      'goes where only their runtime knows what they take',
      [other('v1'), version('v2', 6), refuses],
      undefined,
      undefined,
    ],
    [
      'goes where a step before the model takes what callers send',
      [version('v1', 5), stepped, refuses],
      undefined,
      undefined,
    ],
    ['waits nowhere else for it', [version('v1'), version('v2', 6), warns], undefined, undefined],
  ])('%s', (_, [from, to, model], warning, refusal) => {
    const change = judgeChange(from, to, model);

    expect(change.warning).toBe(warning);
    expect(change.refusal?.reason).toBe(refusal);
  });

  it('that is refused says what to do', () => {
    expect(judgeChange(version('v1', 5), version('v2', 6), refuses).refusal).toMatchObject({
      message: `${WORDS} Model "delay" refuses that: name another version, or set spec.compatibility of the Model to Warn for a change on purpose.`,
      isFinal: true,
    });
  });

  it('waits for the signature of the version that lacks it', () => {
    expect(judgeChange(version('v1', 5), version('v2'), refuses).refusal?.message).toBe(
      'It waits for the signature of ModelVersion "v2", which is known once its bytes are verified.',
    );
  });
});
