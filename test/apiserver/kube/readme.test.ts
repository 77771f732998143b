/** Level: apiserver. The controller that kube/README.md teaches, as a program of its own against a real API server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@slipway/kube/testing/fixtures.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ControlPlane } from '../control-plane.ts';
import { startControlPlane } from '../control-plane.ts';

const PROGRAM = join(import.meta.dirname, 'greeter.ts');
const README = readFileSync(join(import.meta.dirname, '../../../kube/README.md'), 'utf8');
let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane?.stop());

function blockOf(language: string): string {
  return new RegExp(`\n\`\`\`${language}\n([^]*?)\`\`\``).exec(README)?.[1] ?? '';
}

async function read(what: string, path: string): Promise<string> {
  const { stdout } = await plane.kubectl(['get', what, '-n', 'default', '-o', `jsonpath={${path}}`]);
  return stdout;
}

async function apply(manifest: string): Promise<void> {
  expect(await plane.kubectl(['apply', '-f', '-'], manifest)).toMatchObject({ code: 0 });
}

const greeting = (text: string) =>
  JSON.stringify({
    apiVersion: 'example.dev/v1',
    kind: 'Greeting',
    metadata: { name: 'hello', namespace: 'default' },
    spec: { text },
  });

it('is the program that is run here', () => {
  expect(blockOf('ts')).toBe(readFileSync(PROGRAM, 'utf8'));
});

it('greets, mends what is changed by hand, follows its author, and gives its lease back', async () => {
  await apply(blockOf('yaml'));
  await plane.kubectl(['wait', '--for=condition=Established', 'crd/greetings.example.dev', '--timeout=30s']);
  const program = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, KUBECONFIG: plane.kubeconfigPath },
  });
  const ended = once(program, 'exit');
  try {
    await apply(greeting('hello'));
    await eventually(async () => (await read('configmap/hello', '.data.text')) === 'hello', 60_000);
    await plane.kubectl(['patch', 'configmap', 'hello', '-n', 'default', '-p', '{"data":{"text":"drifted"}}']);
    await eventually(async () => (await read('configmap/hello', '.data.text')) === 'hello', 60_000);
    await apply(greeting('good bye'));
    await eventually(async () => (await read('greeting/hello', '.status.observedGeneration')) === '2', 60_000);
    expect(await read('configmap/hello', '.data.text')).toBe('good bye');
  } finally {
    program.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
  expect(await read('lease/greeter', '.spec.holderIdentity')).toBe('');
});
