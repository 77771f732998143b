/** The proxy in front of a real API server, without a plan: nothing changes. */
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CONFIG_MAPS, configMap, requests, startProxyBench } from './proxy-bench.ts';
import type { ProxyBench } from './proxy-bench.ts';

let bench: ProxyBench;

beforeAll(async () => {
  bench = await startProxyBench();
});
afterAll(() => bench?.plane.stop());

describe('without a plan', () => {
  it('lets kubectl work as usual, over HTTP/2', async () => {
    const proxy = await bench.proxyWith();
    const kubeconfig = join(bench.plane.folder, 'proxy.kubeconfig');
    writeFileSync(kubeconfig, proxy.kubeconfig(bench.token));
    const kubectl = (args: string[], stdin?: string) =>
      bench.plane.kubectl(['--kubeconfig', kubeconfig, ...args], stdin);

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
    const proxy = await bench.proxyWith();
    const seen: string[] = [];
    const watching = bench.ask(
      proxy,
      'GET',
      `${CONFIG_MAPS}?watch=true&timeoutSeconds=4&fieldSelector=metadata.name=watched`,
      {
        onChunk: (text) => seen.push(text),
      },
    );
    await sleep(500);
    await bench.plane.kubectl(['create', 'configmap', 'watched']);

    await expect.poll(() => seen.join('')).toContain('"type":"ADDED"');
    expect(proxy.journal.entries).toContainEqual(
      expect.objectContaining({ type: 'event', event: 'ADDED', resource: 'configmaps', name: 'watched' }),
    );
    await bench.plane.kubectl(['delete', 'configmap', 'watched']);
    expect((await watching).body.trim().split('\n')).toHaveLength(2);
  });

  it('tells writes with an effect from those without', async () => {
    const proxy = await bench.proxyWith();
    await bench.apply(proxy, 'effect', { a: '1' });
    await bench.apply(proxy, 'effect', { a: '1' });
    await bench.apply(proxy, 'effect', { a: '2' });
    await bench.ask(proxy, 'DELETE', `${CONFIG_MAPS}/effect`);
    await bench.ask(proxy, 'DELETE', `${CONFIG_MAPS}/effect`);

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
    const proxy = await bench.proxyWith();
    const agent = new Agent({ ca: bench.certificate.ca, keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    await bench.ask(proxy, 'GET', CONFIG_MAPS, { agent });
    await sleep(7_000);

    const reused = await bench.ask(proxy, 'GET', CONFIG_MAPS, { agent });

    expect(reused.code).toBe(200);
    expect(reused.headers['keep-alive']).toBeUndefined();
  });
});
