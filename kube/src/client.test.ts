import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { builtin } from './builtin-kinds.ts';
import { createKubeClient, type KubeClient, type KubeClientOptions } from './client.ts';
import { realClock } from './clock.ts';
import { KubeApiError, toOperatorError, TransientError } from './errors.ts';
import type { KubeConfig } from './kube-config.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { configMap, createMemoryLog } from './testing/fixtures.ts';
import { kubeConfigFor, type Script, sendJson, sendStatus, startScriptedServer } from './testing/scripted-server.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Options = Pick<Partial<KubeClientOptions>, 'requestTimeoutMs' | 'clock' | 'budget'>;

async function setUp(script: Script, options: Options & { user?: object } = {}) {
  const server = await startScriptedServer(script);
  cleanups.push(() => server.close());
  const kubeConfig =
    options.user === undefined
      ? server.kubeConfig
      : kubeConfigFor(server.kubeConfig.getCurrentCluster()?.server ?? '', options.user);
  return { server, ...clientFor(kubeConfig, options) };
}

function clientFor(kubeConfig: KubeConfig, options: Options = {}) {
  const registry = new Registry();
  const log = createMemoryLog();
  const client = createKubeClient({ kubeConfig, userAgent: 'test/1', registry, clock: realClock, log, ...options });
  cleanups.push(() => client.close());
  return { client, registry, log };
}

const key = { namespace: 'default', name: 'a' };
const read = (client: KubeClient) => client.get(builtin.ConfigMap, key);

describe('the client', () => {
  it('sends what the API asks for in path, query, type and body', async () => {
    const { client, server } = await setUp((_request, response) => sendJson(response, 200, {}));
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l', namespace: 'ns' } };

    await client.apply(builtin.Lease, lease, { fieldManager: 'me', force: true });
    await client.applyStatus(builtin.ConfigMap, configMap('a'), { fieldManager: 'me' });
    await client.mergePatch(builtin.ConfigMap, key, { data: { x: null } }, { fieldManager: 'me' });
    await client.delete(builtin.ConfigMap, key, { uid: 'u', resourceVersion: '7', gracePeriodSeconds: 0 });

    expect(server.received.map(({ method, path, query }) => `${method} ${path}?${query.toString()}`)).toEqual([
      'PATCH /apis/coordination.k8s.io/v1/namespaces/ns/leases/l?fieldManager=me&fieldValidation=Strict&force=true',
      'PATCH /api/v1/namespaces/default/configmaps/a/status?fieldManager=me&fieldValidation=Strict',
      'PATCH /api/v1/namespaces/default/configmaps/a?fieldManager=me&fieldValidation=Strict',
      'DELETE /api/v1/namespaces/default/configmaps/a?',
    ]);
    expect(server.received.map(({ headers }) => headers['content-type'])).toEqual([
      'application/apply-patch+yaml',
      'application/apply-patch+yaml',
      'application/merge-patch+json',
      'application/json',
    ]);
    expect(server.received.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      lease,
      configMap('a'),
      { data: { x: null } },
      {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        gracePeriodSeconds: 0,
        preconditions: { uid: 'u', resourceVersion: '7' },
      },
    ]);
    expect(new Set(server.received.map(({ headers }) => headers['user-agent']))).toEqual(new Set(['test/1']));
  });

  it('reads a list page by page and gives every item its kind', async () => {
    const { client, server } = await setUp(({ query }, response) => {
      const second = query.get('continue') === 'next';
      const items = [{ metadata: { name: second ? 'b' : 'a' } }];
      sendJson(response, 200, { metadata: { resourceVersion: '5', ...(second ? {} : { continue: 'next' }) }, items });
    });

    const { items, resourceVersion } = await client.list(builtin.Job, { namespace: 'ns', labelSelector: 'x=y' });

    expect(items.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name])).toEqual([
      ['batch/v1', 'Job', 'a'],
      ['batch/v1', 'Job', 'b'],
    ]);
    expect(resourceVersion).toBe('5');
    expect(server.received.map(({ query }) => [query.get('limit'), query.get('labelSelector')])).toEqual([
      ['500', 'x=y'],
      ['500', 'x=y'],
    ]);
  });

  it('starts a list anew in one piece when its continue token has expired', async () => {
    const { client } = await setUp(({ query }, response) => {
      if (query.has('continue')) return sendStatus(response, 410, 'Expired');
      const whole = !query.has('limit');
      return sendJson(response, 200, {
        metadata: { resourceVersion: '9', ...(whole ? {} : { continue: 'old' }) },
        items: [{ metadata: { name: whole ? 'whole' : 'part' } }],
      });
    });

    const { items } = await client.list(builtin.Job);

    expect(items.map(({ metadata }) => metadata.name)).toEqual(['whole']);
  });

  it('keeps its connections for one request after another', async () => {
    const { client, server } = await setUp((_request, response) => sendJson(response, 200, {}));

    for (let i = 0; i < 50; i += 1) await read(client);

    // undici opens a second one when the first is just being freed
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it.each([
    [429, 'TooManyRequests'],
    [503, 'ServiceUnavailable'],
  ])('turns a Status %i into a KubeApiError that knows when to come back', async (code, reason) => {
    const { client } = await setUp((_request, response) => sendStatus(response, code, reason, { 'retry-after': '7' }));

    const error = await read(client).catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(KubeApiError);
    expect(error).toMatchObject({
      message: `${reason} says the script`,
      retryAfterMs: 7000,
      status: { code },
    });
    expect(toOperatorError(error)).toMatchObject({ retry: 'backoff', reason, retryAfterMs: 7000 });
  });

  it('says what it got when the answer is no Status', async () => {
    const { client } = await setUp(
      (_request, response) => void response.writeHead(502).end('<html>bad gateway</html>'),
    );

    await expect(read(client)).rejects.toThrow('HTTP 502: <html>bad gateway</html>');
  });

  it('calls a 200 that is not JSON what it is', async () => {
    const { client } = await setUp((_request, response) => void response.writeHead(200).end('<html>login</html>'));

    await expect(read(client)).rejects.toMatchObject({ name: 'TransientError', reason: 'MalformedAnswer' });
  });

  it('ignores that what it deletes is not there', async () => {
    const { client } = await setUp((_request, response) => sendStatus(response, 404, 'NotFound'));

    await expect(client.delete(builtin.ConfigMap, key)).resolves.toBeUndefined();
    await expect(read(client)).rejects.toMatchObject({ isNotFound: true });
  });

  it.each<[string, Script]>([
    ['a reset', (_request, response) => void response.socket?.resetAndDestroy()],
    ['a close before the answer', (_request, response) => void response.socket?.destroy()],
    [
      'a body that breaks off',
      (_request, response) =>
        void response.writeHead(200, { 'content-length': '99' }).write('{', () => response.destroy()),
    ],
  ])('makes %s a TransientError', async (_name, script) => {
    const { client } = await setUp(script);

    await expect(read(client)).rejects.toMatchObject({ name: 'TransientError', reason: 'ConnectionFailed' });
  });

  it.each<[string, Script]>([
    ['never answers', () => {}],
    ['never ends its answer', (_request, response) => void response.writeHead(200).write('{')],
  ])('gives up on a server that %s', async (_name, script) => {
    const { client } = await setUp(script, { requestTimeoutMs: 100 });

    const error = await read(client).catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({
      reason: 'RequestTimeout',
      message: 'GET /api/v1/namespaces/default/configmaps/a: No answer within 100 ms',
    });
  });

  it('ends a request when its signal aborts', async () => {
    const { client, server } = await setUp(() => {});
    const stop = new AbortController();

    const reading = client.get(builtin.ConfigMap, key, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);

    await expect(reading).rejects.toMatchObject({ name: 'TransientError' });
    expect(server.received).toHaveLength(1);
  });

  it('never sends what was stopped while it waited for its turn, and does not let a lease wait', async () => {
    const once = { perSecond: 0.001, burst: 1 };
    const { client, server } = await setUp((_request, response) => sendJson(response, 200, {}), {
      budget: { reads: once, writes: once },
    });
    const stop = new AbortController();
    await read(client);

    const waiting = client.get(builtin.ConfigMap, key, { signal: stop.signal });
    await client.get(builtin.Lease, key);
    stop.abort();

    await expect(waiting).rejects.toMatchObject({ name: 'TransientError' });
    expect(server.received.map(({ path }) => path.split('/').at(-2))).toEqual(['configmaps', 'leases']);
  });

  it('reads the token anew after a 401', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kube-test-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'first\n');
    const { client, server } = await setUp(
      ({ headers }, response) =>
        headers.authorization === 'Bearer second'
          ? sendJson(response, 200, { ok: true })
          : sendStatus(response, 401, 'Unauthorized'),
      { user: { authProvider: { name: 'tokenFile', config: { tokenFile } } } },
    );

    await expect(read(client)).rejects.toMatchObject({ status: { code: 401 } });
    writeFileSync(tokenFile, 'second\n');

    expect(await read(client)).toEqual({ ok: true });
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer first',
      'Bearer first',
      'Bearer first',
      'Bearer second',
    ]);
  });

  it('asks the exec plugin of the kubeconfig once, and again after a 401', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kube-test-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const plugin = join(folder, 'plugin.sh');
    const runs = join(folder, 'runs');
    const credential = (token: string) =>
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } });
    const issue = (token: string) => writeFileSync(plugin, `echo run >> ${runs}\necho '${credential(token)}'\n`);
    issue('first');
    let valid = 'Bearer first';
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: [plugin] };
    const { client } = await setUp(
      ({ headers }, response) =>
        headers.authorization === valid ? sendJson(response, 200, {}) : sendStatus(response, 401, 'Unauthorized'),
      { user: { exec } },
    );

    await read(client);
    await read(client);
    issue('second');
    valid = 'Bearer second';
    await read(client);

    expect(readFileSync(runs, 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('goes through the proxy of the kubeconfig', async () => {
    const proxy = await startScriptedServer(({ headers }, response) => sendJson(response, 200, { host: headers.host }));
    cleanups.push(() => proxy.close());
    const kubeConfig = kubeConfigFor('http://api.example.invalid:8080');
    Object.assign(kubeConfig.getCurrentCluster() ?? {}, { proxyUrl: proxy.kubeConfig.getCurrentCluster()?.server });
    const { client } = clientFor(kubeConfig);

    expect(await read(client)).toEqual({ host: 'api.example.invalid:8080' });
  });

  it('logs a warning of the API server once', async () => {
    const warning = '299 - "v1beta1 is deprecated", 299 kube "unknown field \\"spec.x\\""';
    const { client, log } = await setUp((_request, response) => sendJson(response, 200, {}, { warning }));

    await read(client);
    await read(client);

    expect(log.lines.map(({ fields }) => fields['warning'])).toEqual([
      'v1beta1 is deprecated',
      'unknown field "spec.x"',
    ]);
  });

  it('counts requests under the names of client-go', async () => {
    let answers = 0;
    const { client, registry, server } = await setUp((_request, response) => {
      answers += 1;
      if (answers === 1) return sendJson(response, 200, {});
      return void response.socket?.resetAndDestroy();
    });

    await read(client);
    await read(client).catch(() => {});

    const host = new URL(server.kubeConfig.getCurrentCluster()?.server ?? '').host;
    const text = await registry.metrics();
    expect(text).toContain(`rest_client_requests_total{code="200",method="GET",host="${host}"} 1`);
    expect(text).toContain(`rest_client_requests_total{code="<error>",method="GET",host="${host}"} 1`);
    expect(text).toContain(`rest_client_request_duration_seconds_count{verb="GET",host="${host}"} 2`);
  });

  it.each(['', '..', 'a/b', '%2e'])('refuses %j as a name before it becomes a path', async (name) => {
    const { client, server } = await setUp((_request, response) => sendJson(response, 200, {}));

    await expect(client.get(builtin.ConfigMap, { namespace: 'default', name })).rejects.toThrow(
      'is not the name of a ConfigMap',
    );
    await expect(client.get(builtin.ConfigMap, { name: 'a' })).rejects.toThrow('needs a namespace');
    expect(server.received).toEqual([]);
  });
});

describe('credentials', () => {
  const hasOpenssl = canRun('openssl', ['version']);

  it.skipIf(!hasOpenssl)(
    'that rotate on disk are used for new connections, and one pool serves until then',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'kube-test-'));
      cleanups.push(() => rmSync(folder, { recursive: true }));
      const at = (name: string) => join(folder, name);
      const issue = (commonName: string) =>
        execFileSync(
          'openssl',
          [
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:P-256',
            '-nodes',
            '-days',
            '2',
            '-subj',
            `/CN=${commonName}`,
            '-keyout',
            at('tls.key'),
            '-out',
            at('tls.crt'),
          ],
          { stdio: 'ignore' },
        );
      issue('server');
      let handshakes = 0;
      const server = createServer(
        {
          key: readFileSync(at('tls.key')),
          cert: readFileSync(at('tls.crt')),
          requestCert: true,
          rejectUnauthorized: false,
        },
        (request, response) =>
          sendJson(response, 200, {
            caller: (request.socket as TLSSocket).getPeerCertificate().subject?.CN,
          }),
      );
      server.on('secureConnection', () => (handshakes += 1));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      cleanups.push(() => void server.close());
      cleanups.push(() => server.closeAllConnections());
      issue('first');
      const kubeConfig = kubeConfigFor(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, {
        certFile: at('tls.crt'),
        keyFile: at('tls.key'),
      });
      const clock = createFakeClock();
      const { client } = clientFor(kubeConfig, { clock });

      for (let i = 0; i < 10; i += 1) expect(await read(client)).toEqual({ caller: 'first' });
      expect(handshakes).toBeLessThanOrEqual(2);
      const before = handshakes;
      issue('second');
      await clock.advance(10_000);

      expect(await read(client)).toEqual({ caller: 'second' });
      expect(handshakes).toBe(before + 1);
    },
  );
});

function canRun(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
