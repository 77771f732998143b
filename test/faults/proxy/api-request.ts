/** What a request to the Kubernetes API asks for, read from its method, URL and headers alone. */

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'deletecollection';

export interface ApiRequest {
  readonly verb: Verb;
  /** Empty for the core group, and for what is no resource (`/version`, `/openapi/v3`, discovery). */
  readonly group: string;
  readonly version: string;
  /** Plural and lower case, as RBAC writes it; empty for what is no resource. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** Empty for collections. Of a create it stands in the body only: see `withNameFromBody`. */
  readonly name: string;
  readonly path: string;
}

const BY_METHOD: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const WRITES: readonly Verb[] = ['create', 'update', 'patch', 'apply', 'delete', 'deletecollection'];
const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];

/** Paths are `/api/v1/…` and `/apis/GROUP/VERSION/…` with `[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]`. */
export function parseApiRequest(method: string, url: string, contentType = ''): ApiRequest {
  const { pathname, searchParams } = new URL(url, 'https://api');
  const parts = pathname.split('/').filter((part) => part !== '');
  const apiParts = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : parts.length;
  const target = targetOf(parts.slice(apiParts).map(decodeURIComponent));
  const isResource = target.resource !== '';
  return {
    ...target,
    verb: verbOf(method, contentType, target.name !== '', searchParams),
    group: isResource && parts[0] === 'apis' ? (parts[1] ?? '') : '',
    version: isResource ? (parts[apiParts - 1] ?? '') : '',
    path: pathname,
  };
}

export function isWrite({ verb }: Pick<ApiRequest, 'verb'>): boolean {
  return WRITES.includes(verb);
}

/** A create names its object in the body; without this, plans could not tell two creates of one kind apart. */
export function withNameFromBody(request: ApiRequest, body: Buffer): ApiRequest {
  if (request.verb !== 'create' || request.name !== '') return request;
  const metadata = parseObject(body)?.metadata;
  return { ...request, name: metadata?.name ?? metadata?.generateName ?? '' };
}

export interface ObjectFacts {
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly details?: { readonly uid?: string; readonly causes?: readonly { readonly reason?: string }[] };
  /** Of a delete's body. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly items?: readonly ObjectFacts[];
}

/** The JSON object in these bytes; undefined for anything else (protobuf, YAML, an empty body). */
export function parseObject(bytes: Buffer): ObjectFacts | undefined {
  if (bytes[0] !== 0x7b) return undefined; // {
  try {
    return JSON.parse(bytes.toString('utf8')) as ObjectFacts;
  } catch {
    return undefined;
  }
}

type Target = Pick<ApiRequest, 'namespace' | 'resource' | 'name' | 'subresource'>;

function targetOf(parts: readonly string[]): Target {
  // A Namespace itself is /namespaces/NAME, what lies in it /namespaces/NAMESPACE/RESOURCE.
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && !NAMESPACE_SUBRESOURCES.includes(parts[2] ?? '');
  const [resource = '', name = '', ...subresource] = inNamespace ? parts.slice(2) : parts;
  return { namespace: inNamespace ? (parts[1] ?? '') : '', resource, name, subresource: subresource.join('/') };
}

function verbOf(method: string, contentType: string, named: boolean, query: URLSearchParams): Verb {
  if (method === 'PATCH' && contentType.startsWith('application/apply-patch')) return 'apply';
  if (method === 'DELETE' && !named) return 'deletecollection';
  const write = BY_METHOD[method];
  if (write !== undefined) return write;
  if (['true', '1'].includes(query.get('watch') ?? '')) return 'watch';
  return named ? 'get' : 'list';
}
