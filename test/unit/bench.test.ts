import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { machineLine } from '../bench/machine.ts';

function bench(...args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const program = join(import.meta.dirname, '..', 'bench', 'main.ts');
  return new Promise((resolve) => {
    // A bench that started all the same is not waited for.
    execFile(process.execPath, [program, ...args], { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

it('--help names every bench and every flag, and runs none', async () => {
  const { code, stdout } = await bench('--help');

  expect(code).toBe(0);
  expect(stdout).not.toContain(machineLine());
  for (const word of ['serving', 'operator', 'runtime', 'cluster', 'demo', '--large', '--rounds', '--rows'])
    expect(stdout).toMatch(new RegExp(`^ +${word} `, 'm'));
});

it.each([
  ['a flag that there is not', ['runtime', '--lagre'], '--lagre'],
  ['a bench that there is not', ['runtim'], 'There are serving'],
  ['no number', ['runtime', '--rounds', 'some'], 'whole number'],
])('%s is an error, and runs none', async (_, args, message) => {
  const { code, stdout, stderr } = await bench(...args);

  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
});
