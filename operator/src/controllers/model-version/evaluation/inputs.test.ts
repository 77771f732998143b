import type { ModelVersion } from '@slipway/crds';
import { expect, it } from 'vitest';
import type { Caches } from '../../../deps.ts';
import { aDatasetVersion, aModel, aModelAlias, anEvaluation } from '../../../testing/data-fixtures.ts';
import { aClaim, aModelVersion, aStore } from '../../../testing/fixtures.ts';
import { resolveInputs } from './inputs.ts';

const model = { name: 'delay' };
const inFormat = (name: string, format: string): ModelVersion => {
  const { artifact } = aModelVersion(name).spec;
  return aModelVersion(name, {}, { model, artifact: { ...artifact, format } });
};

function resolve(candidate: ModelVersion, champion: ModelVersion) {
  const one = (object: unknown) => ({ get: () => object, byIndex: () => [object] });
  const caches = {
    stores: one(aStore()),
    claims: one(aClaim()),
    datasets: one(undefined),
    datasetVersions: one(aDatasetVersion()),
    modelAliases: one(aModelAlias()),
    modelVersions: one(champion),
  } as unknown as Caches;
  return resolveInputs(caches, candidate, { model: aModel(), evaluation: anEvaluation({ rescore: ['champion'] }) });
}

it('evaluates nothing that Slipway cannot open, be it the version or the champion', () => {
  const [onnx, trees] = [inFormat('delay-2', 'Onnx'), inFormat('delay-1', 'LightGBM')];
  expect(resolve(onnx, onnx).problem).toBeUndefined();
  for (const found of [resolve(onnx, trees), resolve(trees, onnx)]) {
    expect(found.problem?.reason).toBe('FormatNotEvaluated');
    expect(found.problem?.message).toContain('ModelVersion "delay-1" is in the format LightGBM');
  }
});
