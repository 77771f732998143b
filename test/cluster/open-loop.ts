/**
 * A client that asks at a fixed rate, whether answers come or not, never asks twice for the same, and counts what became of every request:
 * over REST and gRPC, on connections that it keeps and on one of its own for each request.
 */
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@grpc/grpc-js';
import { connectGrpc } from '../../hack/demo/clients.ts';
import type { ServiceAddress } from '../../hack/demo/clients.ts';

export type Way = 'REST, kept connections' | 'REST, new connections' | 'gRPC, a kept connection';

export interface Failure {
  readonly way: Way;
  readonly words: string;
  /** Seconds after the start of the load. */
  readonly sentAt: number;
  readonly failedAt: number;
}

export interface LoadReport {
  readonly sent: number;
  readonly answered: Readonly<Record<Way, number>>;
  /** By the model_version of the answers. */
  readonly versions: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  /** The longest that an answer took, in milliseconds. */
  readonly longestMs: number;
}

export interface Load {
  /** Requests that have no answer yet. */
  inFlight(): number;
  /** Seconds since the start. */
  now(): number;
  /** Asks no more, waits for what is in flight, and prints the counts. */
  stop(): Promise<LoadReport>;
}

export interface ModelAddress extends ServiceAddress {
  readonly model: string;
}

export interface LoadOptions extends ModelAddress {
  /** Requests a second of each way. */
  readonly rate: number;
  /** What happens meanwhile, for the line that is printed. */
  readonly what: string;
}

/** One that has no answer by then has failed. */
const TIMEOUT_MS = 20_000;
const INPUT = { name: 'trip', shape: [1, 2], datatype: 'FP32' };
const VALUES = [3.1, 12];

export function startLoad(options: LoadOptions): Load {
  const started = performance.now();
  const now = () => (performance.now() - started) / 1000;
  const answered: Record<Way, number> = {
    'REST, kept connections': 0,
    'REST, new connections': 0,
    'gRPC, a kept connection': 0,
  };
  const versions: Record<string, number> = {};
  const failures: Failure[] = [];
  const pending = new Set<Promise<void>>();
  let [sent, longestMs] = [0, 0];

  const agent = new Agent({ keepAlive: true });
  const grpc = connectGrpc(options, NO_RETRIES);
  const ways: Readonly<Record<Way, () => Promise<string>>> = {
    'REST, kept connections': () => askRest(options, agent, TIMEOUT_MS),
    'REST, new connections': () => askRest(options, false, TIMEOUT_MS),
    'gRPC, a kept connection': () => askGrpc(grpc, options.model, TIMEOUT_MS),
  };

  function ask(way: Way): void {
    sent += 1;
    const sentAt = now();
    const asked = ways[way]().then(
      (version) => {
        answered[way] += 1;
        versions[version] = (versions[version] ?? 0) + 1;
        longestMs = Math.max(longestMs, (now() - sentAt) * 1000);
      },
      (cause: Error) => void failures.push({ way, words: cause.message, sentAt, failedAt: now() }),
    );
    pending.add(asked);
    void asked.then(() => pending.delete(asked));
  }

  const timers = (Object.keys(ways) as Way[]).map((way) => setInterval(() => ask(way), 1000 / options.rate));
  return {
    inFlight: () => pending.size,
    now,
    async stop() {
      timers.forEach((timer) => clearInterval(timer));
      await Promise.race([Promise.all(pending), sleep(2 * TIMEOUT_MS)]);
      agent.destroy();
      grpc.close();
      const report = { sent, answered, versions, failures, longestMs: Math.round(longestMs) };
      const rate = Math.round(sent / now());
      const by = Object.entries(versions).map(([version, count]) => `version ${version}: ${count}`);
      console.log(
        `${options.what}: ${sent} sent (${rate}/s), ${failures.length} failed; ${by.join(', ')}; longest ${report.longestMs} ms`,
      );
      return report;
    },
  };
}

/** Asks so often at once, half of it over REST and half over gRPC, each once. Returns how those failed that did, and seconds until the last answer. */
export async function askTogether(
  address: ModelAddress,
  count: number,
  timeoutMs: number,
): Promise<{ readonly failures: readonly string[]; readonly seconds: number }> {
  const started = performance.now();
  const grpc = connectGrpc(address, NO_RETRIES);
  const asked = Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? askRest(address, false, timeoutMs) : askGrpc(grpc, address.model, timeoutMs),
  );
  const results = await Promise.allSettled(asked);
  grpc.close();
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as Error).message] : [],
  );
  return { failures, seconds: (performance.now() - started) / 1000 };
}

/** Resolves with the model_version of the answer. */
function askRest({ port, host, model }: ModelAddress, agent: Agent | false, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const where = { host: '127.0.0.1', port, path: `/v2/models/${model}/infer`, method: 'POST', agent };
  const request = httpRequest({ ...where, headers: { host }, timeout: timeoutMs }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('error', reject);
    response.on('end', () => {
      if (response.statusCode === 200) resolve((JSON.parse(text) as { model_version: string }).model_version);
      else reject(new Error(`HTTP ${response.statusCode}: ${text.slice(0, 200)}`));
    });
  });
  request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
  request.on('error', reject);
  request.end(JSON.stringify({ inputs: [{ ...INPUT, data: VALUES }] }));
  return promise;
}

const NO_RETRIES = {
  // Otherwise it would ask again by itself where a stream was refused.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
};

type Infer = (
  request: object,
  options: { deadline: Date },
  done: (cause: Error | null, answer: { model_version: string }) => void,
) => void;

function askGrpc(client: Client, model: string, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const infer = (client as unknown as Record<string, Infer>)['ModelInfer'];
  const request = { model_name: model, inputs: [{ ...INPUT, contents: { fp32_contents: VALUES } }] };
  infer?.call(client, request, { deadline: new Date(Date.now() + timeoutMs) }, (cause, answer) => {
    if (cause === null) resolve(answer.model_version);
    else reject(cause);
  });
  return promise;
}
