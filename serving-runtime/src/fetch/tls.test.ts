/** With a certificate of an authority that only this test knows. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { filesIn, folders } from './testing/fixture.ts';

function selfSigned(folder: string): { readonly key: string; readonly cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const name = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...curve, ...name, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { key, cert };
}

async function fetchWith(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<unknown> {
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  });
  return JSON.parse((await text(child.stdout)).trim().split('\n').at(-1) ?? '');
}

it('trusts an authority that NODE_EXTRA_CA_CERTS names, and no other', async () => {
  using at = folders();
  const { key, cert } = selfSigned(at.root);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_ask, to) => to.end('weights'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const args = [`https://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`, at.destination];
  try {
    const unknown = { ok: false, reason: 'TlsFailed', message: expect.stringContaining('NODE_EXTRA_CA_CERTS') };
    expect(await fetchWith({}, args)).toEqual(unknown);
    expect(await fetchWith({ NODE_EXTRA_CA_CERTS: cert }, args)).toMatchObject({ ok: true });
    expect(filesIn(at.destination)).toEqual({ 'model.onnx': 'weights' });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
