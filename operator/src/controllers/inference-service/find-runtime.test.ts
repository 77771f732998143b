import type { ClusterServingRuntime, ModelVersion, ServingRuntime } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { aModelVersion, anInferenceService, aServingRuntime } from '../../testing/fixtures.ts';
import { findRuntime } from './find-runtime.ts';

const version = (format: string): ModelVersion => {
  const { artifact } = aModelVersion().spec;
  return aModelVersion('delay-1', {}, { artifact: { ...artifact, format } });
};
const shared = (name: string, format: string): ClusterServingRuntime => {
  return { ...aServingRuntime(name, { formats: [{ name: format }] }), kind: 'ClusterServingRuntime' };
};

interface World {
  readonly own?: readonly ServingRuntime[];
  /** Undefined: the operator may not read them. */
  readonly ofCluster?: readonly ClusterServingRuntime[] | undefined;
}

function find(format: string | ModelVersion, wanted: string | undefined, { own = [], ...rest }: World = {}) {
  const { ofCluster } = { ofCluster: [] as readonly ClusterServingRuntime[] | undefined, ...rest };
  const cache = (objects: readonly unknown[]) => ({ list: () => objects }) as never;
  const [kind, name = ''] = (wanted ?? '').split('/') as ['ServingRuntime' | 'ClusterServingRuntime', string?];
  return findRuntime(
    { servingRuntimes: cache(own), clusterServingRuntimes: ofCluster && cache(ofCluster) },
    anInferenceService(wanted === undefined ? {} : { runtime: { kind, name } }),
    typeof format === 'string' ? version(format) : format,
  );
}

describe('findRuntime', () => {
  it('is ours for Onnx, whatever else there is', () => {
    const own = [aServingRuntime('mlserver', { formats: [{ name: 'Onnx' }] })];
    expect(find('Onnx', undefined, { own })).toEqual({});
  });

  it('is the one that is named, of the namespace or of the cluster', () => {
    const own = [aServingRuntime('mlserver')];
    const ofCluster = [shared('mlserver', 'Onnx')];
    expect(find('LightGBM', 'ServingRuntime/mlserver', { own, ofCluster }).runtime).toBe(own[0]?.spec);
    expect(find('Onnx', 'ClusterServingRuntime/mlserver', { own, ofCluster }).runtime).toBe(ofCluster[0]?.spec);
  });

  it('is ours alone for a version with steps', () => {
    const serve = { before: { image: 'a', port: 9001 } };
    const own = [aServingRuntime('triton', { formats: [{ name: 'Onnx' }] })];
    const { artifact } = version('Onnx').spec;
    const stepped = aModelVersion('delay-1', {}, { artifact, serve });
    expect(find(stepped, undefined, { own })).toEqual({});
    expect(find(stepped, 'ServingRuntime/triton', { own }).problem).toEqual({
      reason: 'StepsNotServed',
      message:
        'ModelVersion "delay-1" has steps before or after its model (spec.serve). Slipway\'s own model server asks them, and ServingRuntime "triton" does not. Take spec.runtime out, or name a version without them.',
      isFinal: true,
    });
  });

  it('chooses none by itself, and says which could be named', () => {
    const own = [aServingRuntime('mlserver')];
    const ofCluster = [shared('boosters', 'LightGBM'), shared('triton', 'Onnx')];
    expect(find('LightGBM', undefined, { own, ofCluster }).problem).toEqual({
      reason: 'FormatNotServed',
      message:
        'Slipway\'s own model server does not serve LightGBM, the format of ModelVersion "delay-1"; it serves Onnx. Name one that does in spec.runtime: ServingRuntime "mlserver", ClusterServingRuntime "boosters".',
      isFinal: true,
    });
  });

  it.each<[string, ReturnType<typeof find>, string, string]>([
    [
      'nothing serves the format',
      find('Sklearn', undefined),
      'FormatNotServed',
      'Nothing else here does: make a ServingRuntime for Sklearn in namespace "team", and name it in spec.runtime.',
    ],
    [
      'the named one does not serve the format',
      find('Sklearn', 'ServingRuntime/mlserver', { own: [aServingRuntime('mlserver')] }),
      'FormatNotServed',
      'ServingRuntime "mlserver" does not serve Sklearn, the format of ModelVersion "delay-1"; it serves LightGBM. Name a runtime that does in spec.runtime.',
    ],
    [
      'there is none of that name',
      find('LightGBM', 'ServingRuntime/none', { own: [aServingRuntime('mlserver')] }),
      'RuntimeNotFound',
      'There is no ServingRuntime "none" in namespace "team". There is ServingRuntime "mlserver". Make another one, or name one in spec.runtime.',
    ],
    [
      'there is one of that name and of the other kind',
      find('LightGBM', 'ClusterServingRuntime/mlserver', { own: [aServingRuntime('mlserver')] }),
      'RuntimeNotFound',
      'There is no ClusterServingRuntime "mlserver". There is ServingRuntime "mlserver".',
    ],
    [
      'the install may not read those of the cluster',
      find('LightGBM', 'ClusterServingRuntime/shared', { ofCluster: undefined }),
      'RuntimeNotFound',
      'Slipway works in some namespaces only here, and reads no ClusterServingRuntime. Make a ServingRuntime, or name one in spec.runtime.',
    ],
  ])('says what to do where %s', (_, found, reason, message) => {
    expect(found.problem?.reason).toBe(reason);
    expect(found.problem?.message).toContain(message);
  });

  it('names a few of many', () => {
    const own = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => aServingRuntime(name));
    expect(find('LightGBM', 'ServingRuntime/none', { own }).problem?.message).toContain(
      'ServingRuntime "e" and 2 more.',
    );
  });
});
