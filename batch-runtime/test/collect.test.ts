import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { makeStore, runCommand, startCommand } from './run-command.ts';

const request = (pod: string, store: string): object => ({
  outputDir: join(pod, 'output'),
  logDir: join(pod, 'logs'),
  runDir: join(store, 'runs/uid/1'),
  readyFile: join(pod, 'ready'),
});

describe('collect', { timeout: 60_000 }, () => {
  it('waits for SIGTERM, then takes output and logs to the folder of its index, and no link', async () => {
    const pod = makeStore({ 'output/model.onnx': 'bytes', 'output/plots/a.txt': 'a', 'logs/trainer.log': 'line' });
    symlinkSync('/etc/hostname', join(pod, 'output/secret'));
    const store = makeStore();
    const { child, outcome } = startCommand('collect', request(pod, store), { env: { JOB_COMPLETION_INDEX: '3' } });
    for (let waited = 0; waited < 200 && !existsSync(join(pod, 'ready')); waited += 1) await sleep(100);
    await sleep(500);
    expect(child.exitCode).toBeNull();
    expect(existsSync(join(store, 'runs/uid/1/3/model.onnx'))).toBe(false);
    child.kill('SIGTERM');
    const { code, result, log } = await outcome;
    expect(code, log).toBe(0);
    expect(result).toEqual({ ok: true, files: 3, bytes: 10 });
    const target = join(store, 'runs/uid/1/3');
    expect(readdirSync(target, { recursive: true }).map(String).sort()).toEqual([
      'logs',
      'logs/trainer.log',
      'model.onnx',
      'plots',
      'plots/a.txt',
    ]);
    expect(readFileSync(join(target, 'model.onnx'), 'utf8')).toBe('bytes');
    expect(readdirSync(join(store, 'runs/uid/1'))).toEqual(['3']);
  });

  it.skipIf(process.getuid?.() !== 0)('says at once when the Store cannot be written', async () => {
    const pod = makeStore({ 'output/model.onnx': 'bytes' });
    const store = makeStore();
    mkdirSync(join(store, 'runs'), { mode: 0o755 });
    const { code, result, log } = await runCommand('collect', request(pod, store), { uid: 65532 });
    expect({ code, reason: result?.['reason'] }, log).toEqual({ code: 3, reason: 'StoreNotWritable' });
  });
});
