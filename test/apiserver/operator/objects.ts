/** What a person would apply in these tests. */
export const DIGEST_A = `sha256:${'a'.repeat(64)}`;
export const DIGEST_B = `sha256:${'b'.repeat(64)}`;

const apiVersion = 'slipway.dev/v1alpha1';

export function claim(namespace: string, name = 'models', storageClassName = 'standard') {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } } },
  };
}

export function namespaceNamed(name: string) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export function store(namespace: string, uri = 'pvc://models/team') {
  return { apiVersion, kind: 'Store', metadata: { name: 'default', namespace }, spec: { uri } };
}

export function modelVersion(namespace: string, name: string, digest = DIGEST_A) {
  const artifact = { path: `models/${name}`, digest, format: 'Onnx' };
  return { apiVersion, kind: 'ModelVersion', metadata: { name, namespace }, spec: { artifact } };
}

export function delayModel(namespace: string, spec: object) {
  return { apiVersion, kind: 'Model', metadata: { name: 'delay', namespace }, spec };
}

/** `delay-1` and so on, of the Model `delay`. */
export function delayVersion(namespace: string, number: number) {
  const { spec, ...object } = modelVersion(namespace, `delay-${number}`);
  return { ...object, spec: { ...spec, model: { name: 'delay' }, number } };
}

/** The alias of the Model `delay`. */
export function champion(namespace: string, version: string) {
  const spec = { model: { name: 'delay' }, alias: 'champion', modelVersion: { name: version } };
  return { apiVersion, kind: 'ModelAlias', metadata: { name: 'delay.champion', namespace }, spec };
}

export function inferenceService(namespace: string, version: string, more: object = {}, name = 'flights') {
  const spec = { modelVersion: { name: version }, ...more };
  return { apiVersion, kind: 'InferenceService', metadata: { name, namespace }, spec };
}

/** What verify-model answers about a good model. */
export function verified(digest: string): string {
  const tensor = (name: string) => ({ name, dtype: 'Float32', shape: [-1, 2] });
  return JSON.stringify({ ok: true, digest, bytes: 42, signature: { inputs: [tensor('x')], outputs: [tensor('y')] } });
}
