/** Unmodified clients of other people against our model server. */
import { join } from 'node:path';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import type { RunningServer } from '@slipway/serving-runtime/testing/running-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientEnvironment, run } from './client-environment.ts';
import { SERVED_MODELS } from './served-models.ts';

const INSTALL_MS = 1_200_000;

let server: RunningServer;
beforeAll(async () => {
  server = await startServer(SERVED_MODELS, ['--admin-port=0']);
});
afterAll(() => server.stop());

describe.each([
  { client: 'tritonclient', version: '2.51.0', extras: '[http,grpc]', more: ['numpy==1.26.4'] },
  { client: 'kserve', version: '0.21.0', extras: '', more: [] },
  { client: 'mlserver', version: '1.7.1', extras: '', more: [] },
])('$client', ({ client, version, extras, more }) => {
  it('gets the answers that it expects', { timeout: INSTALL_MS }, async (test) => {
    const { python, obstacle } = await clientEnvironment(`${client}-${version}`, [
      `${client}${extras}==${version}`,
      ...more,
    ]);
    test.skip(obstacle !== undefined, obstacle);
    const { http, grpc, admin } = server.ports;
    const script = join(import.meta.dirname, `ask_with_${client}.py`);
    const { stdout } = await run(python, [script, ...[http, grpc, admin].map(String)]);

    expect(stdout.trim()).toBe('every answer is right');
  });
});
