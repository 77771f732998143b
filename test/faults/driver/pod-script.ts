import type { DeepReadonly, Pod } from '@slipway/kube';
import type { BuildDatasetResult, CollectResult, MaterialiseResult, PublishModelResult } from '@slipway/crds/batch';
import type { VerifyModelResult } from '@slipway/crds/batch';
import type { PodScript } from '../../apiserver/operator/kubelet.ts';
import type { Workload } from './workload.ts';

/** What the stand-ins for our Jobs answer, and workloads register. */
export const DIGESTS = {
  one: `sha256:${'a'.repeat(64)}`,
  two: `sha256:${'b'.repeat(64)}`,
  features: `sha256:${'c'.repeat(64)}`,
  dataset: `sha256:${'d'.repeat(64)}`,
} as const;

/** What becomes of pods, where a workload has an answer of its own for some. */
export function podScriptOf(workloads: readonly Workload[]): PodScript {
  return (pod) => {
    for (const { pods } of workloads) {
      const fate = pods?.(pod);
      if (fate !== undefined) return fate;
    }
    return podScript(pod);
  };
}

/** What becomes of pods where nothing else is said: Jobs end well with the result that their request asks for, servers run. */
export const podScript: PodScript = (pod) => {
  const name = pod.spec?.containers[0]?.name;
  if (name === 'batch') return { kind: 'succeed', message: JSON.stringify(answerOf(pod)) };
  if (name === 'trainer') {
    const collected: CollectResult = { ok: true, files: 2, bytes: 1_000 };
    return { kind: 'succeed', container: 'collect', message: JSON.stringify(collected) };
  }
  return { kind: 'run', ready: true };
};

interface Request {
  readonly digest?: string;
  readonly outputDir?: string;
  readonly outputParent?: string;
  readonly modelsDir?: string;
  readonly runDir?: string;
}

type Answer = MaterialiseResult | BuildDatasetResult | PublishModelResult | VerifyModelResult;

/** The same for the same request: bytes that are made twice from the same inputs have the same digest. */
function answerOf(pod: DeepReadonly<Pod>): Answer {
  const batch = pod.spec?.containers[0];
  const request = JSON.parse(batch?.env?.find(({ name }) => name === 'SLIPWAY_REQUEST')?.value ?? '{}') as Request;
  return (ANSWERS[batch?.args?.[0] ?? ''] ?? verified)(request);
}

const ANSWERS: Readonly<Record<string, (request: Request) => Answer>> = {
  materialise: ({ outputDir }) => {
    const path = inVolume(outputDir);
    return { ok: true, path, rows: 10, bytes: 100, digest: DIGESTS.features, warnings: [] };
  },
  'build-dataset': ({ outputParent }) => {
    const path = inFolder(outputParent, DIGESTS.dataset);
    const rows = { train: 8, validation: 2, test: 0 };
    return { ok: true, path, digest: DIGESTS.dataset, bytes: 100, rows, dropped: {}, warnings: [] };
  },
  'publish-model': ({ runDir, modelsDir }) => {
    // Each attempt writes to a folder of its own, and what another parameter trained is another model.
    const digest = /\/1(\/|$)/.test(runDir ?? '') ? DIGESTS.one : DIGESTS.two;
    const path = inFolder(modelsDir, digest);
    return { ok: true, path, digest, bytes: 42, signature: SIGNATURE, metrics: { 'validation.auc': 0.7 } };
  },
};

function verified({ digest = '' }: Request): VerifyModelResult {
  return { ok: true, digest, bytes: 42, signature: SIGNATURE };
}

function inFolder(parent: string | undefined, digest: string): string {
  return `${inVolume(parent)}/${digest.replace(':', '-')}`;
}

const SIGNATURE: VerifyModelResult['signature'] = {
  inputs: [{ name: 'x', dtype: 'Float32', shape: [-1, 2] }],
  outputs: [{ name: 'y', dtype: 'Float32', shape: [-1, 2] }],
};

/** Stores are mounted at `/stores/NAME`; results count from there. */
function inVolume(path = ''): string {
  return path.replace(/^\/stores\/[^/]+\//, '');
}
