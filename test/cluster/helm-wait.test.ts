/** Helm itself waits for objects of ours, in somebody's own chart: an API server and the operator are enough, pods are played. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InferenceService } from '@slipway/crds';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findBinaries } from '../../hack/kube/binaries.ts';
import { kinds } from '../../operator/src/kinds.ts';
import { eventually, startHarness } from '../apiserver/operator/harness.ts';
import type { Harness } from '../apiserver/operator/harness.ts';
import type { PodScript } from '../apiserver/operator/kubelet.ts';
import { claim, namespaceNamed, store, verified } from '../apiserver/operator/objects.ts';

const NS = 'charted';
const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'serve-onnx');
const VERSION = readFileSync(join(EXAMPLE, '3-model-version.yaml'), 'utf8');
const SERVICE = readFileSync(join(EXAMPLE, '4-inference-service.yaml'), 'utf8');
const OTHER_DIGEST = `sha256:${'0'.repeat(64)}`;
const MINUTES = 60_000;
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(script({ ready: false }));
  harness.startOperator();
  await harness.apply(namespaceNamed(NS), claim(NS));
}, 5 * MINUTES);
afterAll(() => harness?.stop());

/** The bytes have the digest of the example. */
function script({ ready }: { readonly ready: boolean }): PodScript {
  return (pod) => {
    const batch = pod.spec?.containers.find(({ name }) => name === 'batch');
    if (batch === undefined) return { kind: 'run', ready };
    const { digest } = JSON.parse(batch.env?.[0]?.value ?? '{}') as { digest: string };
    if (VERSION.includes(digest)) return { kind: 'succeed', message: verified(digest) };
    const message = JSON.stringify({ ok: false, reason: 'DigestMismatch', message: 'The bytes have another digest.' });
    return { kind: 'fail', exitCode: 1, message };
  };
}

async function helm(...args: readonly string[]): Promise<void> {
  const programs = await findBinaries(['helm'], { progress: console.log });
  const all = [...args, '--namespace', NS, '--kubeconfig', harness.plane.kubeconfigPath, '--wait'];
  await promisify(execFile)(programs.helm, all);
}

/** A Store and these. Returns the folder. */
function chartOf(...templates: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-chart-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: fare\nversion: 0.1.0\n');
  mkdirSync(join(folder, 'templates'));
  const all = [JSON.stringify(store(NS)), ...templates];
  writeFileSync(join(folder, 'templates', 'all.yaml'), all.join('\n---\n'));
  return folder;
}

async function says(told: string): Promise<boolean> {
  const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'fare' });
  const conditions = found?.status?.conditions ?? [];
  return conditions.some(({ type, status, reason }) => `${type} ${status} ${reason}` === told);
}

describe('helm --wait', () => {
  it(
    'returns from an install once the service is Ready, and not before',
    async () => {
      let isOver = false;
      const installed = helm('install', 'fare', chartOf(VERSION, SERVICE), '--timeout', '3m').finally(() => {
        isOver = true;
      });
      await eventually('a revision starts', () => says('Ready False RevisionStarting'), 120);
      expect(isOver).toBe(false);

      harness.kubelet.follow(script({ ready: true }));
      await installed;
      expect(await says('Ready True UpToDate')).toBe(true);
    },
    5 * MINUTES,
  );

  it(
    'fails at an upgrade to a version with other bytes, and returns from the rollback',
    async () => {
      const broken = VERSION.replace('name: fare-1', 'name: fare-2').replace(/sha256:[0-9a-f]{64}/, OTHER_DIGEST);
      const wrong = chartOf(VERSION, broken, SERVICE.replace('fare-1', 'fare-2'));
      await expect(helm('upgrade', 'fare', wrong, '--timeout', '30s')).rejects.toThrow(/fare-2/);
      expect(await says('Serving True StableServes')).toBe(true);

      await helm('rollback', 'fare', '--timeout', '2m');
      expect(await says('Ready True UpToDate')).toBe(true);
    },
    5 * MINUTES,
  );
});
