/** Straight to the API server, never through the proxy and without the client under test: for the driver and the oracles. */
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLineSplitter } from '../proxy/watch-lines.ts';

/** Any object of Kubernetes, as JSON. */
export interface Json {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly generateName?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
}

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export interface Answer {
  readonly code: number;
  readonly body: unknown;
}

export interface Api {
  request(method: string, path: string, body?: object, contentType?: string): Promise<Answer>;
  /** Resolves once the stream has begun; `onEnd` is called when it ends or breaks. */
  watch(path: string, onEvent: (event: { type: string; object: Json }) => void, onEnd: () => void): Promise<void>;
  close(): void;
}

const WATCH_DEADLINE_MS = 30_000;

/** `folder` holds admin.crt, admin.key and ca.crt. */
export function createApi(server: string, folder: string): Api {
  const read = (name: string) => readFileSync(join(folder, name));
  const agent = new Agent({ ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key'), keepAlive: true });

  function send(method: string, path: string, body?: object, contentType?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { accept: 'application/json', 'content-type': contentType ?? 'application/json' };
      const request = httpsRequest(`${server}${path}`, { method, agent, headers }, resolve);
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** A kind that was installed a moment ago is refused (429, "storage is (re)initializing") for a while. */
  async function watchUntilAccepted(path: string): Promise<IncomingMessage> {
    const deadline = performance.now() + WATCH_DEADLINE_MS;
    for (;;) {
      const answer = await send('GET', path);
      if (answer.statusCode === 200) return answer;
      answer.resume();
      if (performance.now() > deadline)
        throw new Error(`the API server refuses to watch ${path}: ${answer.statusCode}`);
      await sleep(100);
    }
  }

  return {
    async request(method, path, body, contentType) {
      const answer = await send(method, path, body, contentType);
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      return { code: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
    },
    async watch(path, onEvent, onEnd) {
      const answer = await watchUntilAccepted(path);
      const split = createLineSplitter();
      answer.on('data', (chunk: Buffer) => {
        for (const line of split(chunk)) onEvent(JSON.parse(line.toString('utf8')) as { type: string; object: Json });
      });
      answer.on('close', onEnd);
      answer.on('error', () => {});
    },
    close: () => agent.destroy(),
  };
}

/** Of a collection in one namespace, or in all where none is given. */
export function pathOf({ group, version, plural }: Resource, namespace?: string): string {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === undefined ? `${base}/${plural}` : `${base}/namespaces/${namespace}/${plural}`;
}
