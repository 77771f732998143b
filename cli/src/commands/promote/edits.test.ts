import type { ModelVersion } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { CliError } from '../../errors.ts';
import { plain } from '../../terminal/style.ts';
import { unifiedDiff } from './diff.ts';
import { promotionEdits } from './edits.ts';
import type { Promotion } from './edits.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

function version(spec: object = {}): ModelVersion {
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'ModelVersion',
    metadata: { name: 'delay-3-7f3a2c', namespace: 'dev', uid: 'u' },
    spec: {
      model: { name: 'delay' },
      number: 3,
      artifact: { store: { name: 'default' }, path: 'models/x', digest: DIGEST, format: 'Onnx' },
      ...spec,
    },
  };
}

const PROMOTION: Promotion = {
  version: version(),
  origin: { cluster: 'dev-cluster', namespace: 'dev' },
  store: undefined,
  services: undefined,
};

const SERVICE = `# what people ask
apiVersion: slipway.dev/v1alpha1
kind: InferenceService
metadata: {name: flights, namespace: prod}
spec:
  modelVersion:
    name: delay-1-000000 # written by promote
  scaling: {replicas: 3}
`;

const edit = (files: Readonly<Record<string, string>>, more: Partial<Promotion> = {}) =>
  promotionEdits(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    { ...PROMOTION, ...more },
  );
const changed = (edits: ReturnType<typeof edit>, path: string) =>
  edits.changes.find((change) => change.path === path)?.after;

describe('promotion', () => {
  it('changes the name in the service and nothing else of the file', () => {
    const edits = edit({ 'flights.yaml': SERVICE });

    expect(changed(edits, 'flights.yaml')).toBe(SERVICE.replace('delay-1-000000', 'delay-3-7f3a2c'));
    expect(edits.services).toEqual(['flights']);
  });

  it('writes the version for the namespace of the service, with where it came from and without what the cluster added', () => {
    const text = changed(edit({ 'flights.yaml': SERVICE }), 'modelversion-delay-3-7f3a2c.yaml');

    expect(text)
      .toBe(`# Promoted by \`slipway promote\` from namespace dev of dev-cluster. A version never changes: make another one instead.
apiVersion: slipway.dev/v1alpha1
kind: ModelVersion
metadata:
  name: delay-3-7f3a2c
  namespace: prod
  annotations:
    slipway.dev/origin: '{"cluster":"dev-cluster","namespace":"dev","modelVersion":"delay-3-7f3a2c"}'
spec:
  model:
    name: delay
  number: 3
  artifact:
    store:
      name: default
    path: models/x
    digest: ${DIGEST}
    format: Onnx
`);
  });

  it.each([
    [
      'resources:\n  - flights.yaml # the service\nnamespace: prod\n',
      'resources:\n  - flights.yaml # the service\n  - modelversion-delay-3-7f3a2c.yaml\nnamespace: prod\n',
    ],
    ['resources: [flights.yaml]\n', 'resources: [flights.yaml, modelversion-delay-3-7f3a2c.yaml]\n'],
    ['resources: []\n', 'resources: [modelversion-delay-3-7f3a2c.yaml]\n'],
    ['namespace: prod', 'namespace: prod\nresources:\n  - modelversion-delay-3-7f3a2c.yaml\n'],
    ['resources:\n- flights.yaml', 'resources:\n- flights.yaml\n- modelversion-delay-3-7f3a2c.yaml'],
  ])('lists it in the kustomization %j', (before, after) => {
    expect(changed(edit({ 'kustomization.yaml': before, 'flights.yaml': SERVICE }), 'kustomization.yaml')).toBe(after);
  });

  it('changes every service of the model in a file with several, and leaves those of others', () => {
    const other = SERVICE.replace('name: flights', 'name: fare').replace('delay-1-000000', 'fare-1-000000');
    const edits = edit({ 'all.yaml': [SERVICE, other, SERVICE.replace('name: flights', 'name: late')].join('---\n') });

    expect(edits.services).toEqual(['flights', 'late']);
    expect(edits.untouched).toEqual(['fare']);
    expect(changed(edits, 'all.yaml')?.match(/delay-3-7f3a2c|fare-1-000000/g)).toEqual([
      'delay-3-7f3a2c',
      'fare-1-000000',
      'delay-3-7f3a2c',
    ]);
  });

  it('knows the model of a version with a name of its own from the folder', () => {
    const served = `apiVersion: slipway.dev/v1alpha1\nkind: ModelVersion\nmetadata: {name: the-good-one}\nspec: {model: {name: delay}}\n`;
    const edits = edit({ 'flights.yaml': SERVICE.replace('delay-1-000000', 'the-good-one'), 'served.yaml': served });

    expect(edits.services).toEqual(['flights']);
  });

  it('guesses no service for a version without a model, and takes the one that is named', () => {
    const { model: _, ...spec } = version().spec;
    const bare = { ...version(), spec };

    expect(edit({ 'flights.yaml': SERVICE }, { version: bare }).services).toEqual([]);
    expect(edit({ 'flights.yaml': SERVICE }, { version: bare, services: ['flights'] }).services).toEqual(['flights']);
  });

  it('changes nothing the second time', () => {
    const first = edit({ 'flights.yaml': SERVICE, 'kustomization.yaml': 'resources: [flights.yaml]\n' });
    const files = Object.fromEntries(first.changes.map(({ path, after }) => [path, after]));

    expect(edit(files).changes).toEqual([]);
  });

  it('takes the steps before and after the model along', () => {
    const serve = { before: { image: 'acme/tokenizer@sha256:1', port: 9001 } };
    const text = changed(edit({}, { version: version({ serve }) }), 'modelversion-delay-3-7f3a2c.yaml');

    expect(text).toContain('  serve:\n    before:\n      image: acme/tokenizer@sha256:1\n      port: 9001\n');
  });

  it('takes another Store of the target', () => {
    const text = changed(edit({}, { store: 'prod-models' }), 'modelversion-delay-3-7f3a2c.yaml');

    expect(text).toContain('    store:\n      name: prod-models\n');
  });

  it('refuses a folder that has other bytes under the same name, and a service that is not there', () => {
    const first = edit({});
    const text = first.changes[0]?.after.replace(DIGEST, `sha256:${'b'.repeat(64)}`) ?? '';

    expect(() => edit({ 'v.yaml': text })).toThrow(CliError);
    expect(() => edit({ 'flights.yaml': SERVICE }, { services: ['flihgts'] })).toThrow('Did you mean "flights"?');
  });

  it('leaves files alone that are no plain YAML', () => {
    const edits = edit({
      'template.yaml': '{{- if .Values.x }}\nkind: InferenceService\n{{- end }}\n',
      'flights.yaml': SERVICE,
    });

    expect(edits.changes.map(({ path }) => path).sort()).toEqual(['flights.yaml', 'modelversion-delay-3-7f3a2c.yaml']);
  });
});

it('shows what changed with three lines around', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\n';

  expect(unifiedDiff('x.yaml', before, before.replace('e\n', 'E\n'), plain)).toBe(
    '--- x.yaml\n+++ x.yaml\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n',
  );
  expect(unifiedDiff('x.yaml', '', 'a\nb\n', plain)).toBe('--- /dev/null\n+++ x.yaml\n@@ -0,0 +1,2 @@\n+a\n+b\n');
});
