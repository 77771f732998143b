/** A fake of the JSON API of Google Cloud Storage: what its reference says of list, get and alt=media, and nothing more. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serve } from './fixture.ts';
import type { TestServer } from './fixture.ts';

interface FakeObject {
  readonly text: string;
  readonly generation: string;
}

/** Called before an object's bytes are sent; true when it has answered itself. */
export type Interfere = (name: string, to: ServerResponse) => boolean;

const ROOT = '/storage/v1/b/models/o';
/** Far fewer than the real one, so that there is more than one page. */
const PAGE = 2;

type Objects = Map<string, FakeObject>;

export interface FakeGcs {
  readonly server: TestServer;
  readonly stored: Objects;
}

export async function fakeGcs(objects: Record<string, string>, interfere: Interfere = () => false): Promise<FakeGcs> {
  const stored: Objects = new Map(Object.entries(objects).map(([name, text]) => [name, { text, generation: '1' }]));
  const server = await serve((ask, to) => answer(stored, interfere, ask, to));
  return { server, stored };
}

function answer(stored: Objects, interfere: Interfere, ask: IncomingMessage, to: ServerResponse): void {
  const { pathname, searchParams } = new URL(ask.url ?? '', 'http://gcs');
  if (pathname === ROOT) return sendJson(to, 200, page(stored, searchParams));
  const name = decodeURIComponent(pathname.slice(ROOT.length + 1));
  const object = pathname.startsWith(`${ROOT}/`) ? stored.get(name) : undefined;
  if (object === undefined) return sendJson(to, 404, { error: { code: 404 } });
  if (searchParams.get('alt') !== 'media') return sendJson(to, 200, described(name, object));
  const pinned = searchParams.get('ifGenerationMatch');
  if (pinned !== object.generation) return sendJson(to, 412, { error: { code: 412 } });
  if (!interfere(name, to)) sendBytes(object.text, ask, to);
}

function page(stored: Objects, query: URLSearchParams): object {
  const names = [...stored.keys()].filter((name) => name.startsWith(query.get('prefix') ?? '')).sort();
  const from = Number(query.get('pageToken') ?? 0);
  const items = names.slice(from, from + PAGE).map((name) => described(name, stored.get(name) as FakeObject));
  const more = from + PAGE < names.length ? { nextPageToken: String(from + PAGE) } : {};
  return { ...(items.length === 0 ? {} : { items }), ...more };
}

function described(name: string, { text, generation }: FakeObject): object {
  return { name, generation, size: String(text.length) };
}

function sendJson(to: ServerResponse, status: number, body: object): void {
  to.writeHead(status).end(JSON.stringify(body));
}

function sendBytes(text: string, ask: IncomingMessage, to: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(ask.headers.range ?? '')?.[1] ?? 0);
  const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${text.length - 1}/${text.length}` };
  to.writeHead(from === 0 ? 200 : 206, { 'content-length': text.length - from, ...range });
  to.end(text.slice(from));
}
