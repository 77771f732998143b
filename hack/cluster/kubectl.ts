import { spawn } from 'node:child_process';
import { findBinaries } from '../kube/binaries.ts';
import { clusterLayout } from './layout.ts';

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl against a cluster; never rejects for its exit code. */
export async function kubectl(cluster: string, args: readonly string[], stdin = ''): Promise<Output> {
  const { kubectl: program } = await findBinaries(['kubectl']);
  return run(program, ['--kubeconfig', clusterLayout(cluster).kubeconfig, ...args], stdin);
}

export function run(program: string, args: readonly string[], stdin = ''): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code: code ?? 1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    child.stdin.on('error', () => {}).end(stdin);
  });
}
