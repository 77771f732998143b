import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeFilesOf } from '../../code-files.ts';
import { aDatasetVersion, aTrainingJob } from '../../testing/data-fixtures.ts';
import { DIGEST } from '../../testing/fixtures.ts';
import { secondsOf } from '../../go-duration.ts';
import { identityOf, isPinned, runDigest } from './identity.ts';
import { attemptJobName, publishJobName, serviceName } from './names.ts';
import { parameterProblem, parameterVariables } from './parameters.ts';

const spec = aTrainingJob().spec;
const files = (data: Record<string, string>) =>
  codeFilesOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data });
const identity = (more: Partial<typeof spec>) => identityOf({ ...spec, ...more }, undefined);

describe('identityOf', () => {
  it.each<[string, Partial<typeof spec>, 'spec' | 'template' | 'nothing']>([
    ['a parameter', { parameters: { depth: 8 } }, 'spec'],
    ['the type of a parameter', { parameters: { depth: '6' } }, 'spec'],
    ['the image', { image: 'other' }, 'spec'],
    ['the command', { command: ['python', 'other.py'] }, 'spec'],
    ['nodes', { nodes: 3 }, 'spec'],
    ['run', { run: 2 }, 'spec'],
    ['the model', { output: { model: { name: 'other' }, format: 'Onnx' } }, 'spec'],
    ['the dataset', { dataset: { name: 'flights', version: 'flights-1-aaaaaa' } }, 'spec'],
    ['resources', { resources: { limits: { memory: '1Gi' } } }, 'template'],
    ['the limit', { limits: { runningTime: '2h' } }, 'template'],
    ['suspend', { suspend: true }, 'nothing'],
  ])('%s', (_, more, changes) => {
    const before = identity({});
    const after = identity(more);
    expect(after.spec !== before.spec).toBe(changes === 'spec');
    expect(after.template !== before.template).toBe(changes === 'template');
  });

  it('goes by the content of the code, and knows nothing of code that is missing', () => {
    const withCode = { ...spec, code: { configMap: { name: 'trainer' } } };
    const digest = (data: Record<string, string>) => identityOf(withCode, files(data)).code;
    expect(digest({ 'a.py': '1', 'b.py': '2' })).toBe(digest({ 'b.py': '2', 'a.py': '1' }));
    expect(digest({ 'a.py': '1' })).not.toBe(digest({ 'a.py': '2' }));
    expect(digest({ 'a.py': '1' })).not.toBe(digest({ 'b.py': '1' }));
    expect(identityOf(withCode, undefined).code).toBeUndefined();
    expect(identityOf(spec, undefined).code).toBe('none');
    expect(digest({})).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('does not depend on the order of keys in the YAML', () => {
    const parameters = fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string()));
    fc.assert(
      fc.property(parameters, (given) => {
        const reversed = Object.fromEntries(Object.entries(given).toReversed());
        expect(identity({ parameters: reversed })).toEqual(identity({ parameters: given }));
      }),
    );
  });
});

describe('runDigest', () => {
  it('tells apart what Latest meant', () => {
    const digests = [aDatasetVersion(1), aDatasetVersion(2)].map((version) => runDigest(spec, 'none', version));
    expect(new Set(digests).size).toBe(2);
    expect(runDigest(spec, DIGEST, aDatasetVersion())).not.toBe(runDigest(spec, 'none', aDatasetVersion()));
  });
});

describe('isPinned', () => {
  it.each([
    [`a/b@${DIGEST}`, true],
    [`a/b:1@${DIGEST}`, true],
    ['a/b:1', false],
    ['a/b@sha256:abc', false],
    ['a/b', false],
  ])('%s', (image, pinned) => expect(isPinned(image)).toBe(pinned));
});

describe('names', () => {
  it('fit 63 characters and belong to one parent', () => {
    const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
    fc.assert(
      fc.property(name, name, fc.nat(1_000_000), (a, b, attempt) => {
        for (const of of [attemptJobName, publishJobName]) {
          expect(of(a, attempt).length).toBeLessThanOrEqual(52); // a pod adds its index and five characters
          expect(of(a, attempt) === of(b, attempt)).toBe(a === b);
        }
        expect(serviceName(a).length).toBeLessThanOrEqual(63);
        expect(serviceName(a)).not.toBe(a);
      }),
    );
  });
});

describe('parameters', () => {
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['numbers and strings', { depth: 6, eta: 0.1, objective: 'x', empty: '' }, undefined],
    ['a list', { depth: [1] }, 'spec.parameters.depth is a list'],
    ['a truth value', { fast: true }, 'spec.parameters.fast is a boolean'],
    ['null', { depth: null }, 'spec.parameters.depth is null'],
    ['a map', { depth: { a: 1 } }, 'spec.parameters.depth is a map'],
    ['a name with a space', { 'learning rate': 1 }, 'a name "learning rate"'],
    ['two names for one variable', { 'a.b': 1, A_B: 2 }, 'would both be $PARAM_A_B'],
  ])('%s', (_, given, words) => {
    const message = parameterProblem(given as Record<string, string>)?.message;
    if (words === undefined) expect(message).toBeUndefined();
    else expect(message).toContain(words);
  });

  it('reach the container with their types as JSON and as text', () => {
    expect(parameterVariables({ eta: 0.1, 'max.depth': 6, objective: 'a "b"' })).toEqual([
      { name: 'SLIPWAY_PARAMETERS', value: '{"eta":0.1,"max.depth":6,"objective":"a \\"b\\""}' },
      { name: 'PARAM_ETA', value: '0.1' },
      { name: 'PARAM_MAX_DEPTH', value: '6' },
      { name: 'PARAM_OBJECTIVE', value: 'a "b"' },
    ]);
  });
});

describe('secondsOf', () => {
  it.each([
    ['2h', 7200],
    ['1h30m', 5400],
    ['1.5h', 5400],
    ['90s', 90],
    ['500ms', 0.5],
    ['1m500ms', 60.5],
  ])('%s', (duration, seconds) => expect(secondsOf(duration)).toBe(seconds));
});
