/** Which handler answers a path. */
import type { IncomingMessage } from 'node:http';
import type { Cancellation } from '../../engine/cancellation.ts';
import { invalid, RequestError } from '../../protocol/errors.ts';
import type { Answer } from './answer.ts';

export interface Call {
  readonly request: IncomingMessage;
  /** Aborted when the client has gone. */
  readonly signal: Cancellation;
  /** Of the path; empty where it has none. */
  readonly model: string;
  readonly version: string | undefined;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly pattern: RegExp;
  /** As it was given to `route`. */
  readonly path: string;
  /** Also to those who have shown no token. */
  readonly isOpen: boolean;
  readonly handler: (call: Call) => Answer | Promise<Answer>;
}

/** @param path with `{model}` for the name of a model and `[/versions/{version}]` where it may be followed by one. */
export function route(method: Route['method'], path: string, handler: Route['handler']): Route {
  const pattern = path
    .replace('{model}', '(?<model>[^/:]+)')
    .replace('[/versions/{version}]', '(?:/versions/(?<version>[^/]+))?');
  return { method, pattern: new RegExp(`^${pattern}/?$`), path, handler, isOpen: false };
}

/** For what a probe asks, which has no token. */
export function openRoute(path: string, handler: Route['handler']): Route {
  return { ...route('GET', path, handler), isOpen: true };
}

/** Without the query, and without the host that clients of proxies put before it (RFC 9112, section 3.2.2). */
export function pathOf({ url = '' }: IncomingMessage): string {
  const [path = ''] = url.split('?');
  return path.replace(/^https?:\/\/[^/]*/i, '');
}

/** @throws {RequestError} NotFound, or MethodNotAllowed with the method that is right. */
export function findRoute(
  routes: readonly Route[],
  request: IncomingMessage,
): { readonly route: Route; readonly model: string; readonly version: string | undefined } {
  const path = pathOf(request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  let other: Route | undefined;
  for (const candidate of routes) {
    const match = candidate.pattern.exec(path);
    if (match === null) continue;
    other ??= candidate;
    if (candidate.method !== method) continue;
    const { model = '', version } = match.groups ?? {};
    return { route: candidate, model: decoded(model), version: version === undefined ? undefined : decoded(version) };
  }
  if (other !== undefined) throw new RequestError('MethodNotAllowed', `use ${other.method} here`);
  throw new RequestError('NotFound', 'there is nothing at this path; GET /v2 describes the server');
}

/** The path that a request matched, with `{model}` and `{version}` for those. */
export function routeName({ path }: Route, version: string | undefined): string {
  return path.replace(/\[(.*)\]/, version === undefined ? '' : '$1');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalid('the path holds a percent sign that escapes nothing');
  }
}
