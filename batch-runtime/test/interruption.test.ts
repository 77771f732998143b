import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { linearModel } from './onnx-model.ts';
import { datasetRequest, flightRows, materialiseRequest, WEATHER } from './requests.ts';
import { makeStore, runCommand, startCommand } from './run-command.ts';

const slow = 'SELECT *, (SELECT sum(sin(a.range * b.range)) FROM range(60000) a, range(60000) b) AS s FROM source';

/** What is in a folder but for temporary folders, which no command takes for finished ones. */
function finished(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder).filter((name) => !name.startsWith('.') && !name.includes('.tmp-'))
    : [];
}

describe('a command that is interrupted', { timeout: 120_000 }, () => {
  it('ends soon after SIGTERM, in the middle of a long query, and leaves nothing', async () => {
    const store = makeStore({ 'weather.csv': WEATHER });
    const { child, outcome } = startCommand('materialise', materialiseRequest(store, { sql: slow }));
    for (let waited = 0; waited < 300 && !existsSync(join(store, 'features/weather/abc123')); waited += 1)
      await sleep(50);
    await sleep(1000);
    const before = Date.now();
    child.kill('SIGTERM');
    const { code } = await outcome;
    expect(Date.now() - before).toBeLessThan(5000);
    expect(code).not.toBe(0);
    expect(readdirSync(join(store, 'features/weather/abc123'))).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)('hears SIGTERM as the first process of a container too', async () => {
    const store = makeStore({ 'weather.csv': WEATHER });
    const { spawn } = await import('node:child_process');
    const main = join(import.meta.dirname, '..', 'src', 'main.ts');
    const child = spawn(
      'unshare',
      [
        '--fork',
        '--pid',
        '--kill-child',
        process.execPath,
        main,
        'materialise',
        '--result-file',
        join(store, 'result'),
      ],
      {
        env: {
          PATH: process.env['PATH'] ?? '',
          SLIPWAY_REQUEST: JSON.stringify(materialiseRequest(store, { sql: slow })),
        },
        stdio: 'ignore',
      },
    );
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    for (let waited = 0; waited < 300 && !existsSync(join(store, 'features/weather/abc123')); waited += 1)
      await sleep(50);
    await sleep(1000);
    const { execFileSync } = await import('node:child_process');
    const first = execFileSync('ps', ['-o', 'pid=', '--ppid', String(child.pid)])
      .toString()
      .trim();
    process.kill(Number(first), 'SIGTERM');
    const late = sleep(5000).then(() => 'late');
    const how = await Promise.race([ended.then(() => 'ended'), late]);
    if (how === 'late') child.kill('SIGKILL');
    expect(how).toBe('ended');
  });

  it('gives the same digest when it is killed at random moments and started again', async () => {
    const wanted = await runCommand('build-dataset', datasetRequest(makeStore({ 'flights.csv': flightRows() })));
    const store = makeStore({ 'flights.csv': flightRows() });
    for (const delay of [200, 450, 600, 750, 900, 1100]) {
      const { child, outcome } = startCommand('build-dataset', datasetRequest(store));
      await sleep(delay);
      child.kill('SIGKILL');
      await outcome;
      for (const name of finished(join(store, 'datasets/flights')))
        expect(`sha256:${name.slice(7)}`).toBe(wanted.result?.['digest']);
    }
    const { result } = await runCommand('build-dataset', datasetRequest(store));
    expect(result?.['digest']).toBe(wanted.result?.['digest']);
    expect(finished(join(store, 'datasets/flights'))).toHaveLength(1);
  });

  it('publishes a model once, whenever it was killed', async () => {
    const store = makeStore({ 'runs/u/1/0/model.onnx': linearModel() });
    const request = { runDir: join(store, 'runs/u/1/0'), modelsDir: join(store, 'models'), format: 'Onnx' };
    for (const delay of [300, 500, 700, 900]) {
      const { child, outcome } = startCommand('publish-model', request);
      await sleep(delay);
      child.kill('SIGKILL');
      await outcome;
    }
    const { code, result, log } = await runCommand('publish-model', request);
    expect(code, log).toBe(0);
    const folder = String(result?.['digest']).replace(':', '-');
    expect(finished(join(store, 'models')).sort()).toEqual([folder, `${folder}.manifest.json`]);
  });
});
