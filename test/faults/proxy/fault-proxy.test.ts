/** The proxy in front of a real API server. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startControlPlane } from '../../apiserver/control-plane.ts';
import type { ControlPlane } from '../../apiserver/control-plane.ts';
import { createProxyCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { FaultProxy, FaultProxyOptions } from './fault-proxy.ts';
import { isRequest } from './journal.ts';
import type { Action, Match } from './plan.ts';

let plane: ControlPlane;
let certificate: Certificate;
let token: string;

beforeAll(async () => {
  plane = await startControlPlane();
  certificate = createProxyCertificate();
  await plane.kubectl(['create', 'serviceaccount', 'client']);
  await plane.kubectl([
    'create',
    'clusterrolebinding',
    'c',
    '--clusterrole=cluster-admin',
    '--serviceaccount=default:client',
  ]);
  token = (await plane.kubectl(['create', 'token', 'client'])).stdout.trim();
});
afterAll(() => plane?.stop());

async function proxyWith(
  faults: readonly [Match, Action][] = [],
  options: Partial<FaultProxyOptions> = {},
): Promise<FaultProxy> {
  const upstream = { server: plane.url, ca: readFileSync(join(plane.folder, 'ca.crt'), 'utf8') };
  const plan = { name: 'test', faults: faults.map(([match, action]) => ({ match, action })) };
  const proxy = await startFaultProxy({ upstream, certificate, plan, ...options });
  onTestFinished(() => proxy.close());
  return proxy;
}

interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/** One HTTP/1.1 request with a body of JSON; rejects when the connection breaks. `onChunk` is called as bytes arrive. */
function ask(
  proxy: FaultProxy,
  method: string,
  path: string,
  {
    body,
    contentType,
    agent,
    onChunk,
  }: { body?: object; contentType?: string; agent?: Agent; onChunk?: (text: string) => void } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType ?? 'application/json' };
    const request = httpsRequest(
      `${proxy.url}${path}`,
      { method, headers, agent: agent ?? new Agent({ ca: certificate.ca }), ca: certificate.ca },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          onChunk?.(chunk.toString());
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

function apply(proxy: FaultProxy, name: string, data: Record<string, string>): Promise<Answer> {
  const path = `${CONFIG_MAPS}/${name}?fieldManager=test&force=true`;
  return ask(proxy, 'PATCH', path, { body: configMap(name, data), contentType: 'application/apply-patch+yaml' });
}

/** As the API server has it, not through the proxy. */
async function stored(name: string): Promise<Record<string, string> | undefined> {
  const { code, stdout } = await plane.kubectl(['get', 'configmap', name, '-o', 'json']);
  return code === 0 ? ((JSON.parse(stdout) as { data?: Record<string, string> }).data ?? {}) : undefined;
}

function requests(proxy: FaultProxy) {
  return proxy.journal.entries.filter(isRequest);
}

describe('without a plan', () => {
  it('lets kubectl work as usual, over HTTP/2', async () => {
    const proxy = await proxyWith();
    const kubeconfig = join(plane.folder, 'proxy.kubeconfig');
    writeFileSync(kubeconfig, proxy.kubeconfig(token));
    const kubectl = (args: string[], stdin?: string) => plane.kubectl(['--kubeconfig', kubeconfig, ...args], stdin);

    const applied = await kubectl(
      ['apply', '--server-side', '-f', '-'],
      JSON.stringify(configMap('kubectl', { a: '1' })),
    );
    const listed = await kubectl(['get', 'configmaps', '-o', 'name']);
    const refused = await kubectl(['get', 'configmap', 'nobody']);

    expect(applied).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toContain('configmap/kubectl');
    expect(refused.stderr).toContain('configmaps "nobody" not found');
    expect(requests(proxy).at(-1)?.request).toMatchObject({ verb: 'get', resource: 'configmaps', name: 'nobody' });
  });

  it('passes watch events on as they happen', async () => {
    const proxy = await proxyWith();
    const seen: string[] = [];
    const watching = ask(
      proxy,
      'GET',
      `${CONFIG_MAPS}?watch=true&timeoutSeconds=4&fieldSelector=metadata.name=watched`,
      {
        onChunk: (text) => seen.push(text),
      },
    );
    await sleep(500);
    await plane.kubectl(['create', 'configmap', 'watched']);

    await expect.poll(() => seen.join('')).toContain('"type":"ADDED"');
    expect(proxy.journal.entries).toContainEqual(
      expect.objectContaining({ type: 'event', event: 'ADDED', resource: 'configmaps', name: 'watched' }),
    );
    await plane.kubectl(['delete', 'configmap', 'watched']);
    expect((await watching).body.trim().split('\n')).toHaveLength(2);
  });

  it('tells writes with an effect from those without', async () => {
    const proxy = await proxyWith();
    await apply(proxy, 'effect', { a: '1' });
    await apply(proxy, 'effect', { a: '1' });
    await apply(proxy, 'effect', { a: '2' });
    await ask(proxy, 'DELETE', `${CONFIG_MAPS}/effect`);
    await ask(proxy, 'DELETE', `${CONFIG_MAPS}/effect`);

    const facts = requests(proxy).map(({ request, status, effective }) => [request.verb, status, effective]);
    expect(facts).toEqual([
      ['apply', 201, true],
      ['apply', 200, false],
      ['apply', 200, true],
      ['delete', 200, true],
      ['delete', 404, false],
    ]);
    expect(
      new Set(
        requests(proxy)
          .slice(0, 4)
          .map(({ uid }) => uid),
      ).size,
    ).toBe(1);
  });

  it('keeps an idle connection open longer than HTTP servers of Node do', { timeout: 30_000 }, async () => {
    const proxy = await proxyWith();
    const agent = new Agent({ ca: certificate.ca, keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    await ask(proxy, 'GET', CONFIG_MAPS, { agent });
    await sleep(7_000);

    const reused = await ask(proxy, 'GET', CONFIG_MAPS, { agent });

    expect(reused.code).toBe(200);
    expect(reused.headers['keep-alive']).toBeUndefined();
  });
});

describe('with a fault on a write', () => {
  it('killBefore: the client is dead and nothing was written', async () => {
    let killed = 0;
    const kill = async () => void killed++;
    const proxy = await proxyWith([[{ verb: 'apply', name: 'before' }, { kind: 'killBefore' }]], { kill });

    await expect(apply(proxy, 'before', { a: '1' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(killed).toBe(1);
    expect(await stored('before')).toBeUndefined();
  });

  it('killAfter: the client is dead and it was written', async () => {
    let killed = 0;
    const kill = async () => void killed++;
    const proxy = await proxyWith([[{ verb: 'apply', name: 'after' }, { kind: 'killAfter' }]], { kill });

    await expect(apply(proxy, 'after', { a: '1' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(killed).toBe(1);
    expect(await stored('after')).toEqual({ a: '1' });
    expect(requests(proxy).at(-1)).toMatchObject({ status: 201, effective: true, fault: 'killAfter' });
  });

  it('killAfter leaves the client alone when the API server refuses', async () => {
    let killed = 0;
    const kill = async () => void killed++;
    const proxy = await proxyWith([[{ verb: 'delete' }, { kind: 'killAfter' }]], { kill });

    expect((await ask(proxy, 'DELETE', `${CONFIG_MAPS}/nobody`)).code).toBe(404);
    expect([killed, proxy.struck]).toEqual([0, []]);
  });

  it('dropAck: it was written, and the client hears nothing', async () => {
    const proxy = await proxyWith([[{ verb: 'create', name: 'unheard', nth: 1 }, { kind: 'dropAck' }]]);
    const create = () => ask(proxy, 'POST', CONFIG_MAPS, { body: configMap('unheard') });

    await expect(create()).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(await stored('unheard')).toEqual({});
    expect((await create()).code).toBe(409);
  });

  it('lateWrite: the old write lands after the newer one', async () => {
    const proxy = await proxyWith([[{ verb: 'apply', name: 'late', nth: 1 }, { kind: 'lateWrite' }]], {
      kill: async () => {},
    });
    await expect(apply(proxy, 'late', { a: 'old' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    await apply(proxy, 'late', { a: 'new' });
    expect(await stored('late')).toEqual({ a: 'new' });

    expect(await proxy.release()).toEqual([200]);
    expect(await stored('late')).toEqual({ a: 'old' });
  });

  it('hold: the client waits, and gets the answer at last', async () => {
    const proxy = await proxyWith([[{ verb: 'apply', name: 'held' }, { kind: 'hold' }]]);
    const waiting = apply(proxy, 'held', { a: '1' });
    await expect.poll(() => proxy.struck.length).toBe(1);
    expect(await stored('held')).toBeUndefined();

    await proxy.release();
    expect((await waiting).code).toBe(201);
  });

  it('status: nothing is written, and the answer says when to come back', async () => {
    const proxy = await proxyWith([
      [
        { verb: 'apply', name: 'busy', nth: 1 },
        { kind: 'status', code: 429, retryAfterSeconds: 3 },
      ],
    ]);
    const answer = await apply(proxy, 'busy', { a: '1' });

    expect(answer).toMatchObject({ code: 429, headers: { 'retry-after': '3' } });
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', reason: 'TooManyRequests', code: 429 });
    expect(await stored('busy')).toBeUndefined();
  });

  it('reset: nothing is written', async () => {
    const proxy = await proxyWith([[{ verb: 'apply', name: 'reset', nth: 1 }, { kind: 'reset' }]]);

    await expect(apply(proxy, 'reset', {})).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect(await stored('reset')).toBeUndefined();
  });

  it('pretend: the answer looks like a success, and nothing is written', async () => {
    const proxy = await proxyWith([[{ verb: 'apply', name: 'pretended' }, { kind: 'pretend' }]]);

    expect((await apply(proxy, 'pretended', { a: '1' })).code).toBe(201);
    expect(await stored('pretended')).toBeUndefined();
  });
});

function watchOf(proxy: FaultProxy, onChunk?: (text: string) => void): Promise<Answer> {
  return ask(proxy, 'GET', `${CONFIG_MAPS}?watch=true&timeoutSeconds=2`, onChunk === undefined ? {} : { onChunk });
}

describe('with a fault on a watch', () => {
  beforeAll(async () => {
    await plane.kubectl(['create', 'configmap', 'one']);
    await plane.kubectl(['create', 'configmap', 'two']);
  });

  it('halfLine: the second event is cut, and the stream ends in an orderly way', async () => {
    const proxy = await proxyWith([[{ verb: 'watch' }, { kind: 'halfLine', afterEvents: 1 }]]);
    const [whole, half, ...rest] = (await watchOf(proxy)).body.split('\n');

    expect(JSON.parse(whole ?? '')).toMatchObject({ type: 'ADDED' });
    expect(() => JSON.parse(half ?? '') as unknown).toThrow(SyntaxError);
    expect(rest).toEqual([]);
  });

  it('lag: every event comes, in order, and late', async () => {
    const proxy = await proxyWith([[{ verb: 'watch' }, { kind: 'lag', ms: 600 }]]);
    const started = performance.now();
    let first: number | undefined;
    const { body } = await watchOf(proxy, () => (first ??= performance.now() - started));

    expect(first).toBeGreaterThanOrEqual(600);
    expect(body).toBe((await watchOf(await proxyWith())).body);
  });

  it('goneInStream: the stream ends with a 410', async () => {
    const proxy = await proxyWith([[{ verb: 'watch' }, { kind: 'goneInStream', afterEvents: 1 }]]);
    const lines = (await watchOf(proxy)).body.trim().split('\n');

    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['ADDED', 'ERROR']);
  });

  it('goneHTTP: watches are refused until their objects are listed again', async () => {
    const proxy = await proxyWith([[{ verb: 'watch', nth: 1 }, { kind: 'goneHTTP' }]]);
    expect((await watchOf(proxy)).code).toBe(410);
    expect((await watchOf(proxy)).code).toBe(410);

    await ask(proxy, 'GET', CONFIG_MAPS);
    expect((await watchOf(proxy)).code).toBe(200);
  });

  it('smallPages: a list has one object, and says that there is more', async () => {
    const proxy = await proxyWith([[{ verb: 'list' }, { kind: 'smallPages' }]]);
    const { body } = await ask(proxy, 'GET', `${CONFIG_MAPS}?limit=500`);
    const page = JSON.parse(body) as { items: unknown[]; metadata: { continue?: string } };

    expect(page.items).toHaveLength(1);
    expect(page.metadata.continue).toBeTruthy();
  });

  it('silentHang: nothing comes any more, not even the end', async () => {
    const proxy = await proxyWith([[{ verb: 'watch' }, { kind: 'silentHang', afterEvents: 1 }]]);
    const seen: string[] = [];
    const watching = watchOf(proxy, (text) => seen.push(text)).then(
      () => 'ended',
      () => 'cut',
    );

    const outcome = await Promise.race([watching, sleep(4_000).then(() => 'hangs')]);
    expect(outcome).toBe('hangs');
    expect(seen.join('').trim().split('\n')).toHaveLength(1);
  });
});
