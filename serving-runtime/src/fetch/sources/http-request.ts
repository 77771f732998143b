import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { FetchError } from '../failure.ts';
import { networkFailure } from './network-failure.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface HttpClient {
  /** GET. Follows redirects only within a scheme; `authorization` goes to the first host alone. */
  readonly get: (url: URL, request: HttpRequest) => Promise<IncomingMessage>;
  readonly close: () => void;
}

export interface HttpRequest {
  readonly headers?: OutgoingHttpHeaders;
  readonly authorization?: string | undefined;
  readonly signal: AbortSignal;
}

/** A URL without what may be secret in it: user, password and query. */
export function printable(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** `timeoutMs`: without a byte for so long, a connection is given up. Proxies are taken from HTTPS_PROXY and its like. */
export function createHttpClient(timeoutMs: number, env: NodeJS.ProcessEnv): HttpClient {
  const options = { keepAlive: true, proxyEnv: env };
  const agents = { 'http:': new HttpAgent(options), 'https:': new HttpsAgent(options) };

  const ask = (url: URL, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const plain = url.protocol === 'http:';
      const agent = agents[plain ? 'http:' : 'https:'];
      const request = (plain ? httpRequest : httpsRequest)(url, { agent, headers, signal });
      // Whoever reads the answer is told by that why it ended.
      let silent: { destroy: (cause: Error) => unknown } = request;
      request.setTimeout(timeoutMs, () => silent.destroy(new Error(`no byte for ${timeoutMs / 1000} s`)));
      request.once('error', (cause) => reject(networkFailure(cause, printable(url))));
      request.once('response', (answer) => {
        silent = answer;
        resolve(answer);
      });
      request.end();
    });

  const get = async (start: URL, { headers = {}, authorization, signal }: HttpRequest): Promise<IncomingMessage> => {
    let url = start;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const known = authorization !== undefined && url.host === start.host;
      // Packed bytes would have other offsets than those that a resumed request names.
      const sent = { ...headers, 'accept-encoding': 'identity', ...(known ? { authorization } : {}) };
      const answer = await ask(url, sent, signal);
      if (!REDIRECTS.has(answer.statusCode ?? 0)) return answer;
      answer.destroy();
      url = redirectTarget(url, answer.headers.location);
    }
    throw new FetchError('RedirectRefused', `${printable(start)} leads to more than ${MAX_REDIRECTS} other places`);
  };

  return {
    get,
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function redirectTarget(from: URL, location: string | undefined): URL {
  const target = URL.parse(location ?? '', from.href);
  if (target === null) throw new FetchError('RedirectRefused', `${printable(from)} leads on to no valid address`);
  if (target.protocol === from.protocol && target.username === '' && target.password === '') return target;
  throw new FetchError(
    'RedirectRefused',
    `${printable(from)} leads to ${printable(target)}, another scheme or one with a password, which is not followed; name the right address`,
  );
}
