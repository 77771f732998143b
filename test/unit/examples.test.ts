import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import {
  DatasetSpec,
  FeatureSetSpec,
  groupVersion,
  InferenceServiceSpec,
  KINDS,
  ModelVersionSpec,
  ServingRuntimeSpec,
  TrainingJobSpec,
} from '@slipway/crds';
import { FetchRequest } from '@slipway/crds/batch';
import { IMAGE_NAMES, VERSION } from '../../hack/images/index.ts';

const examples = join(import.meta.dirname, '../../examples');

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
}

const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
const manifests = files.flatMap((file) => manifestsOf(file).map((manifest) => ({ file, manifest })));
const ours = manifests.filter(({ manifest }) => manifest.apiVersion === groupVersion);

function manifestsOf(file: string): Manifest[] {
  return loadAll(readFileSync(join(examples, file), 'utf8')) as Manifest[];
}

function find(file: string, kind: string): Manifest {
  const manifest = manifestsOf(file).find((candidate) => candidate.kind === kind);
  if (manifest === undefined) throw new Error(`examples/${file} has no ${kind}`);
  return manifest;
}

function digestOfFile(name: string, content: Buffer): string {
  const line = `${createHash('sha256').update(content).digest('hex')}  ${content.byteLength}  ${name}\n`;
  return `sha256:${createHash('sha256').update(line).digest('hex')}`;
}

/** Their names are `<version>.<who>` and `<model>.<alias>`. */
const CALLED_AFTER_ANOTHER = ['Approval', 'ModelAlias'];

describe('examples', () => {
  it.each(ours)('$manifest.kind $manifest.metadata.name in $file fits its schema', ({ manifest }) => {
    const definition = KINDS.find((kind) => kind.kind === manifest.kind);
    expect(definition, `no kind ${manifest.kind}`).toBeDefined();
    expect(definition?.spec.safeParse(manifest.spec).error?.issues ?? []).toEqual([]);
    const [name, ...words] = manifest.metadata.name.split('.');
    expect(name).toMatch(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
    expect(words).toHaveLength(CALLED_AFTER_ANOTHER.includes(manifest.kind) ? 1 : 0);
  });

  it('name only images that this repository builds, but for model servers of other people and steps', () => {
    const known = IMAGE_NAMES.map((name) => `slipway/${name}:${VERSION}`);
    const foreign = manifests.filter(({ manifest }) => manifest.kind === 'ServingRuntime').map(({ file }) => file);
    const own = files.filter((file) => !foreign.includes(file) && !file.startsWith('pre-and-postprocessing/'));
    const named = own.flatMap((file) =>
      [...readFileSync(join(examples, file), 'utf8').matchAll(/\bimage: (\S+)/g)].map((match) => match[1]),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((image) => !known.includes(image ?? ''))).toEqual([]);
  });

  it('flights: the kustomization lists every manifest but those for which it is too early', () => {
    const listed = (load(readFileSync(join(examples, 'flights/kustomization.yaml'), 'utf8')) as { resources: string[] })
      .resources;
    const present = files
      .filter((file) => /^flights\/[^/]+\.yaml$/.test(file))
      .map((file) => file.slice('flights/'.length));
    expect(listed.toSorted()).toEqual(present.filter((file) => file !== 'kustomization.yaml').toSorted());
  });

  it('flights: what the Dataset joins, and what the TrainingJob learns from and fills, is there', () => {
    const dataset = find('flights/dataset.yaml', 'Dataset');
    const featureSets = manifestsOf('flights/feature-sets.yaml').map((manifest) => manifest.metadata.name);
    expect(DatasetSpec.parse(dataset.spec).features.map((feature) => feature.featureSet.name)).toEqual(featureSets);
    const trainingJob = TrainingJobSpec.parse(find('flights/training-job.yaml', 'TrainingJob').spec);
    expect(trainingJob.dataset.name).toBe(dataset.metadata.name);
    expect(trainingJob.output.model.name).toBe(find('flights/model.yaml', 'Model').metadata.name);
    const { configMapGenerator } = load(readFileSync(join(examples, 'flights/kustomization.yaml'), 'utf8')) as {
      configMapGenerator: { name: string }[];
    };
    expect(configMapGenerator.map((map) => map.name)).toEqual([trainingJob.code?.configMap.name]);
  });

  it('flights: both transforms work out the landing in the same words', () => {
    const landing = (sql = ''): string => sql.slice(0, sql.indexOf('FROM zones'));
    const history = manifestsOf('flights/feature-sets.yaml').find(
      (manifest) => manifest.metadata.name === 'carrier-history',
    );
    const rows = DatasetSpec.parse(find('flights/dataset.yaml', 'Dataset').spec).rows;
    expect(landing(rows.transform?.sql)).toContain('landed_at');
    expect(landing(FeatureSetSpec.parse(history?.spec).transform?.sql)).toBe(landing(rows.transform?.sql));
  });

  it('serve-onnx: the ModelVersion has the digest of the bytes in the ConfigMap', () => {
    const configMap = find('serve-onnx/2-model-file.yaml', 'ConfigMap') as unknown as {
      binaryData: Record<string, string>;
    };
    const model = Buffer.from(configMap.binaryData['model.onnx'] ?? '', 'base64');
    const version = ModelVersionSpec.parse(find('serve-onnx/3-model-version.yaml', 'ModelVersion').spec);
    expect(version.artifact.digest).toBe(digestOfFile('model.onnx', model));
  });

  it('bring-your-own-runtime: the ModelVersion has the digest of the text in the ConfigMap, and the runtime opens it', () => {
    const folder = 'bring-your-own-runtime';
    const { data } = find(`${folder}/2-model-file.yaml`, 'ConfigMap') as unknown as { data: Record<string, string> };
    const { artifact } = ModelVersionSpec.parse(find(`${folder}/4-model-version.yaml`, 'ModelVersion').spec);
    expect(artifact.digest).toBe(digestOfFile('model.bst', Buffer.from(data['model.bst'] ?? '')));
    const runtime = find(`${folder}/3-serving-runtime.yaml`, 'ServingRuntime');
    expect(ServingRuntimeSpec.parse(runtime.spec).formats).toContainEqual({ name: artifact.format });
    const service = InferenceServiceSpec.parse(find(`${folder}/5-inference-service.yaml`, 'InferenceService').spec);
    expect(service.runtime).toEqual({ kind: runtime.kind, name: runtime.metadata.name });
  });

  it('serve-onnx: the Job asks batch-runtime for something that it understands', () => {
    const text = readFileSync(join(examples, 'serve-onnx/2-model-file.yaml'), 'utf8');
    const request: unknown = JSON.parse(/name: SLIPWAY_REQUEST\n\s+value: '(.*)'/.exec(text)?.[1] ?? 'null');
    expect(FetchRequest.safeParse(request).error?.issues ?? []).toEqual([]);
  });
});
