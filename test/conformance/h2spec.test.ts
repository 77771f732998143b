/** h2spec (github.com/summerwind/h2spec), other people's reading of RFC 7540 and RFC 7541, against the gRPC port. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addModel } from '@slipway/serving-runtime/testing/onnx-model';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import { expect, it } from 'vitest';
import { cacheFolder } from '../../hack/kube/binaries.ts';

const run = promisify(execFile);

/** What h2spec counts with `--strict`; where it counts less, something was not tried. */
const TESTS = 146;
/** Titles of tests that may fail, with the reason. */
const EXPECTED_FAILURES: readonly string[] = [];

/** Always asked for: with nothing changed Go's own cache answers in a second. */
async function h2specProgram(): Promise<string> {
  const folder = join(cacheFolder(), 'conformance');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'h2spec');
  await run('go', ['build', '-trimpath', '-o', program, 'github.com/summerwind/h2spec/cmd/h2spec'], {
    cwd: join(import.meta.dirname, 'h2spec'),
    env: { ...process.env, CGO_ENABLED: '0' },
  });
  return program;
}

interface Report {
  readonly tests: number;
  readonly failed: readonly string[];
}

/** The JUnit report, read as far as it is needed here. */
function readReport(xml: string): Report {
  const cases = [
    ...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g),
  ];
  const isFailed = (body = '') => /<(?:failure|error)/.test(body);
  return {
    tests: cases.length,
    failed: cases.filter(([, , , body]) => isFailed(body)).map(([, section, title]) => `${section}: ${title}`),
  };
}

it('our HTTP/2 passes h2spec', { timeout: 300_000 }, async () => {
  const program = await h2specProgram();
  const folder = mkdtempSync(join(tmpdir(), 'slipway-h2spec-'));
  const server = await startServer({ 'add/1/model.onnx': addModel() }, ['--transport=own']);
  try {
    const report = join(folder, 'report.xml');
    const flags = ['--strict', '--host', '127.0.0.1', '--port', String(server.ports.grpc), '--junit-report', report];
    // Its exit code is 1 when a test failed; which one says the report.
    await run(program, flags).catch(() => {});
    const { tests, failed } = readReport(readFileSync(report, 'utf8'));
    console.log(`h2spec: ${tests - failed.length} of ${tests} passed`);

    expect(failed).toEqual(EXPECTED_FAILURES);
    expect(tests).toBe(TESTS);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
