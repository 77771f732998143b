/** curl, with the commands of the README and whatever else people give it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { encodeOnnxModel } from '@slipway/serving-runtime/testing/onnx-model';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import type { RunningServer } from '@slipway/serving-runtime/testing/running-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from './client-environment.ts';
import { SERVED_MODELS } from './served-models.ts';

const README = readFileSync(join(import.meta.dirname, '..', '..', 'serving-runtime', 'README.md'), 'utf8');
const ROW = '{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [3.1, 12]}]}';
const ANSWER = { model_name: 'add', outputs: [{ name: 'sum', shape: [1, 1], datatype: 'FP32', data: [15.1] }] };

/** The one that the README asks: fare = trip. */
function fareModel(): Uint8Array {
  const value = (name: string) => ({ name, type: 'FP32', shape: ['n', 2] }) as const;
  return encodeOnnxModel({
    inputs: [value('trip')],
    outputs: [value('fare')],
    nodes: [{ operator: 'Identity', inputs: ['trip'], outputs: ['fare'] }],
  });
}

let server: RunningServer;
let folder: string;
beforeAll(async () => {
  server = await startServer({ ...SERVED_MODELS, 'fare/1/model.onnx': fareModel() }, ['--admin-port=0']);
  folder = mkdtempSync(join(tmpdir(), 'slipway-curl-'));
  writeFileSync(join(folder, 'row.json'), ROW);
  writeFileSync(join(folder, 'row.json.gz'), gzipSync(ROW));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});
beforeEach((test) => test.skip(!hasCurl(), 'there is no curl'));

function hasCurl(): boolean {
  return (process.env['PATH'] ?? '').split(':').some((each) => existsSync(join(each, 'curl')));
}

async function curl(...args: readonly string[]): Promise<{ status: number; json: unknown }> {
  const quiet = ['--silent', '--show-error', '--max-time', '20', '--write-out', '\n%{http_code}'];
  const { stdout } = await run('curl', [...quiet, ...args], { cwd: folder });
  const [, body = '', status] = /^([^]*)\n(\d+)$/.exec(stdout) ?? [];
  return { status: Number(status), json: body === '' ? undefined : JSON.parse(body) };
}

it('does what the README says', async () => {
  const commands = README.split('\n').filter((line) => /^curl .*localhost:(8080|N)\/v2\//.test(line));
  const answers: unknown[] = [];
  for (const command of commands) {
    const asked = command.replace(':8080', `:${server.ports.http}`).replace(':N', `:${server.ports.admin}`);
    const { stdout } = await run('bash', ['-c', asked.replace('curl', 'curl --silent --fail')]);
    answers.push(JSON.parse(stdout));
  }

  expect(answers).toEqual([
    expect.objectContaining({ outputs: [{ name: 'fare', shape: [1, 2], datatype: 'FP32', data: [3.1, 12] }] }),
    {},
    {},
    expect.arrayContaining([expect.objectContaining({ name: 'fare', state: 'UNAVAILABLE' })]),
  ]);
});

describe('an inference', () => {
  it.each<[string, readonly string[]]>([
    ['as it is', ['-d', ROW]],
    ['without a content type', ['-H', 'content-type:', '-d', ROW]],
    ['with one that it has not', ['-H', 'content-type: text/plain', '-d', ROW]],
    ['by HTTP/1.0', ['--http1.0', '-d', ROW]],
    ['offering HTTP/2', ['--http2', '-d', ROW]],
    ['waiting to be told to go on', ['-H', 'expect: 100-continue', '-d', ROW]],
    ['in chunks', ['-H', 'transfer-encoding: chunked', '-d', ROW]],
    ['out of a file', ['-T', 'row.json', '-X', 'POST']],
    ['compressed', ['-H', 'content-encoding: gzip', '--data-binary', '@row.json.gz']],
    ['asking for a compressed answer', ['--compressed', '-d', ROW]],
  ])('is answered, sent %s', async (_, args) => {
    const url = `http://127.0.0.1:${server.ports.http}/v2/models/add/infer`;

    expect(await curl(...args, url)).toMatchObject({ status: 200, json: ANSWER });
  });

  it('is answered, sent in pieces that take their time', async () => {
    const url = `http://127.0.0.1:${server.ports.http}/v2/models/add/infer`;
    const child = spawn('curl', ['--silent', '--no-buffer', '-X', 'POST', '-T', '-', url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const answer = text(child.stdout);
    for (const piece of ROW.match(/.{1,7}/g) ?? []) {
      child.stdin.write(piece);
      await sleep(20);
    }
    child.stdin.end();

    expect(JSON.parse(await answer)).toMatchObject(ANSWER);
  });

  it('is refused with a status that --fail sees, and a sentence', async () => {
    const ask = (model: string) => curl('-d', ROW, `http://127.0.0.1:${server.ports.http}/v2/models/${model}/infer`);

    expect(await ask('nope')).toEqual({ status: 404, json: { error: 'there is no model "nope"' } });
    expect(await ask('fp64')).toEqual({ status: 400, json: { error: 'input "x" must be FP64, not FP32' } });
  });
});

it('asks for the head of an answer, for what browsers ask before, and by the address of a proxy', async () => {
  const base = `http://127.0.0.1:${server.ports.http}`;

  expect((await curl('--head', '--output', 'head', `${base}/v2/health/ready`)).status).toBe(200);
  expect((await curl('--proxy', base, 'http://models.example/v2')).json).toMatchObject({
    name: 'slipway-serving-runtime',
  });
});
