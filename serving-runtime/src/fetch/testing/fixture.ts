/** What the tests of `fetch` share: folders of their own, and a server that does what a test says. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfRecords } from '@slipway/crds/digest';
import type { FetchRequest } from '../fetch-model.ts';
import type { Context } from '../gather.ts';
import { httpsSource } from '../sources/https.ts';
import type { HttpsOptions } from '../sources/https.ts';
import type { Source } from '../sources/source.ts';

export interface Folders {
  readonly root: string;
  readonly destination: string;
  [Symbol.dispose]: () => void;
}

export function folders(): Folders {
  const root = mkdtempSync(join(tmpdir(), 'slipway-fetch-'));
  const remove = () => rmSync(root, { recursive: true, force: true });
  return { root, destination: join(root, 'models', 'fare', '1'), [Symbol.dispose]: remove };
}

export const LIMITS = { maxBytes: 1024 ** 3, maxFiles: 100, maxRatio: 100 };

export function request(source: Source, destination: string, more: Partial<FetchRequest> = {}): FetchRequest {
  const rest = { digest: undefined, sha256: undefined, unpack: 'auto', replace: false, cache: undefined } as const;
  return { source, destination, limits: LIMITS, concurrency: 4, retries: 3, ...rest, ...more };
}

export interface Watched extends Context {
  readonly messages: string[];
}

export function context(): Watched {
  const messages: string[] = [];
  return {
    signal: new AbortController().signal,
    log: (message) => messages.push(message),
    counters: { files: 0, totalFiles: 0, bytes: 0, totalBytes: undefined },
    pauseFactor: 0,
    messages,
  };
}

/** Path below a folder -> its text. */
export function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function digestOfFiles(files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files);
  return digestOfRecords(
    entries.map(([path, text]) => ({ path, size: Buffer.byteLength(text), sha256: sha256(text) })),
  );
}

export interface TestServer {
  readonly url: string;
  readonly asked: IncomingMessage[];
  [Symbol.asyncDispose]: () => Promise<void>;
}

export async function serve(answer: (ask: IncomingMessage, to: ServerResponse) => void): Promise<TestServer> {
  const asked: IncomingMessage[] = [];
  const server = createServer((ask, to) => {
    asked.push(ask);
    answer(ask, to);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const end = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, asked, [Symbol.asyncDispose]: end };
}

/** Longer than a busy machine ever stands still. */
export const TIMEOUT_MS = 20_000;

export function webSource(url: string, options: Partial<HttpsOptions> = {}): Source {
  return httpsSource(new URL(url), { authorization: undefined, timeoutMs: TIMEOUT_MS, env: {}, ...options });
}

export interface Stored {
  readonly text: string;
  readonly etag?: string;
}

/** Answers as a good server does, with ranges for what has an ETag. */
export function sendFile({ text, etag }: Stored, ask: IncomingMessage, to: ServerResponse): void {
  const bytes = Buffer.from(text);
  const from = Number(/^bytes=(\d+)-$/.exec(ask.headers.range ?? '')?.[1] ?? 0);
  const headers = etag === undefined ? {} : { etag };
  if (from === 0 || etag === undefined || ask.headers['if-range'] !== etag) {
    to.writeHead(200, { 'content-length': bytes.length, ...headers }).end(bytes);
    return;
  }
  const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
  to.writeHead(206, { 'content-range': range, 'content-length': bytes.length - from, ...headers });
  to.end(bytes.subarray(from));
}
