/** For the tests of the proxy: one in front of a real API server, and a client of it. */
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startControlPlane } from '../../apiserver/control-plane.ts';
import type { ControlPlane } from '../../apiserver/control-plane.ts';
import { createProxyCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { FaultProxy, FaultProxyOptions } from './fault-proxy.ts';
import { isRequest } from './journal.ts';
import type { RequestEntry } from './journal.ts';
import type { Action, Match } from './plan.ts';

export interface ProxyBench {
  readonly plane: ControlPlane;
  readonly certificate: Certificate;
  /** Of a client that may do anything. */
  readonly token: string;
  /** Until the end of the test. */
  proxyWith(faults?: readonly [Match, Action][], options?: Partial<FaultProxyOptions>): Promise<FaultProxy>;
  /** One HTTP/1.1 request with a body of JSON; rejects when the connection breaks. */
  ask(proxy: FaultProxy, method: string, path: string, options?: AskOptions): Promise<Answer>;
  apply(proxy: FaultProxy, name: string, data: Record<string, string>): Promise<Answer>;
  /** The data of a ConfigMap as the API server has it, not through the proxy. */
  stored(name: string): Promise<Record<string, string> | undefined>;
}

export interface AskOptions {
  readonly body?: object;
  readonly contentType?: string;
  readonly agent?: Agent;
  /** Called as bytes arrive. */
  readonly onChunk?: (text: string) => void;
}

export interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

export async function startProxyBench(): Promise<ProxyBench> {
  const plane = await startControlPlane();
  const certificate = createProxyCertificate();
  await plane.kubectl(['create', 'serviceaccount', 'client']);
  const role = ['--clusterrole=cluster-admin', '--serviceaccount=default:client'];
  await plane.kubectl(['create', 'clusterrolebinding', 'c', ...role]);
  const token = (await plane.kubectl(['create', 'token', 'client'])).stdout.trim();

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

  function ask(
    proxy: FaultProxy,
    method: string,
    path: string,
    { body, contentType, agent, onChunk }: AskOptions = {},
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

  return {
    plane,
    certificate,
    token,
    proxyWith,
    ask,
    apply(proxy, name, data) {
      const path = `${CONFIG_MAPS}/${name}?fieldManager=test&force=true`;
      return ask(proxy, 'PATCH', path, { body: configMap(name, data), contentType: 'application/apply-patch+yaml' });
    },
    async stored(name) {
      const { code, stdout } = await plane.kubectl(['get', 'configmap', name, '-o', 'json']);
      return code === 0 ? ((JSON.parse(stdout) as { data?: Record<string, string> }).data ?? {}) : undefined;
    },
  };
}

export function configMap(name: string, data: Record<string, string> = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

export function requests(proxy: FaultProxy): readonly RequestEntry[] {
  return proxy.journal.entries.filter(isRequest);
}
