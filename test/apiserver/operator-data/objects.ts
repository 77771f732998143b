/** What a person would apply in these tests, and what the Jobs answer. */
import { createHash } from 'node:crypto';
import type { DeepReadonly, Pod } from '@slipway/kube';
import type { PodFate, PodScript } from '../operator/kubelet.ts';

const apiVersion = 'slipway.dev/v1alpha1';
export const PINNED_IMAGE = `registry.example/trainer@sha256:${'e'.repeat(64)}`;

export function featureSet(namespace: string, name = 'weather', more: object = {}) {
  const spec = {
    entities: [{ name: 'origin', type: 'String' }],
    source: { files: { path: 'weather/*.csv', format: 'Csv' } },
    time: { event: 'time_hour' },
    features: [{ name: 'temp', type: 'Float32' }],
    ttl: '3h',
    ...more,
  };
  return { apiVersion, kind: 'FeatureSet', metadata: { name, namespace }, spec };
}

export function dataset(namespace: string, more: object = {}) {
  const spec = {
    rows: {
      files: { path: 'flights/*.csv', format: 'Csv' },
      keys: ['origin'],
      at: { column: 'sched_dep' },
      label: { column: 'late' },
    },
    features: [{ featureSet: { name: 'weather' } }],
    split: { validationFrom: '2013-09-01T00:00:00Z' },
    ...more,
  };
  return { apiVersion, kind: 'Dataset', metadata: { name: 'flights', namespace }, spec };
}

export function model(namespace: string) {
  return { apiVersion, kind: 'Model', metadata: { name: 'delay', namespace }, spec: {} };
}

export function code(namespace: string, text = 'print("train")') {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'trainer', namespace }, data: { 'train.py': text } };
}

export function trainingJob(namespace: string, more: object = {}, name = 'xgb') {
  const spec = {
    dataset: { name: 'flights' },
    framework: 'XGBoost',
    nodes: 2,
    image: PINNED_IMAGE,
    code: { configMap: { name: 'trainer' } },
    command: ['python', 'train.py'],
    parameters: { depth: 6, eta: 0.1, objective: 'logistic' },
    output: { model: { name: 'delay' } },
    ...more,
  };
  return { apiVersion, kind: 'TrainingJob', metadata: { name, namespace }, spec };
}

type ReadPod = DeepReadonly<Pod>;

export function isTrainer(pod: ReadPod): boolean {
  return pod.metadata.labels?.['slipway.dev/role'] === 'trainer';
}

export function rankOf(pod: ReadPod): number {
  return Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);
}

/** The command of a pod of batch-runtime: materialise, build-dataset, publish-model, verify-model. */
export function commandOf(pod: ReadPod): string {
  return pod.spec?.containers[0]?.args?.[0] ?? '';
}

export function requestOf(pod: ReadPod): Record<string, unknown> {
  return JSON.parse(pod.spec?.containers[0]?.env?.[0]?.value ?? '{}') as Record<string, unknown>;
}

/** In place of the digest of files that nobody wrote. */
export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

const SIGNATURE = {
  inputs: [{ name: 'x', dtype: 'Float32', shape: [-1, 2] }],
  outputs: [{ name: 'y', dtype: 'Float32', shape: [-1, 2] }],
};

/** What batch-runtime would say after it has done what it was asked. */
export function answerTo(pod: ReadPod): string {
  const request = requestOf(pod);
  const inVolume = (path: unknown) => String(path).split('/').slice(3).join('/');
  switch (commandOf(pod)) {
    case 'materialise':
      return JSON.stringify({
        ok: true,
        path: inVolume(request['outputDir']),
        rows: 26_115,
        bytes: 512,
        digest: digestOf(String(request['outputDir'])),
        watermark: { event: '2013-12-30T23:00:00Z', known: '2013-12-30T23:00:00Z' },
        warnings: [],
      });
    case 'build-dataset': {
      const digest = digestOf(JSON.stringify(request));
      const path = `${inVolume(request['outputParent'])}/${digest.slice(7)}`;
      const rows = { train: 70, validation: 20, test: 10 };
      return JSON.stringify({ ok: true, path, digest, bytes: 1024, rows, dropped: { labelNull: 3 }, warnings: [] });
    }
    case 'publish-model': {
      const digest = digestOf(String(request['runDir']));
      const path = `${inVolume(request['modelsDir'])}/${digest.replace(':', '-')}`;
      return JSON.stringify({
        ok: true,
        path,
        digest,
        bytes: 42,
        signature: SIGNATURE,
        metrics: { 'validation.auc': 0.73 },
      });
    }
    case 'verify-model':
      return JSON.stringify({ ok: true, digest: request['digest'], bytes: 42, signature: SIGNATURE });
    default:
      return '';
  }
}

export const COLLECTED: PodFate = {
  kind: 'succeed',
  container: 'collect',
  message: JSON.stringify({ ok: true, files: 3, bytes: 42 }),
};

export function refused(reason: string, message: string): PodFate {
  return { kind: 'fail', exitCode: 3, message: JSON.stringify({ ok: false, reason, message }) };
}

/** Everything goes well, but for what `special` says otherwise. */
export function script(special: (pod: ReadPod) => PodFate | undefined = () => undefined): PodScript {
  return (pod) => special(pod) ?? (isTrainer(pod) ? COLLECTED : { kind: 'succeed', message: answerTo(pod) });
}
