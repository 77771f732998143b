import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { FetchError } from '../failure.ts';
import { createHttpClient } from './http-request.ts';
import { networkFailure } from './network-failure.ts';
import { expectOk, openedAnswer } from './ranged.ts';
import type { Listing, Source, SourceFile } from './source.ts';

const READ_ONLY = 'https://www.googleapis.com/auth/devstorage.read_only';

export interface GcsOptions {
  readonly timeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
}

/** https://docs.cloud.google.com/storage/docs/json_api/v1/objects; 64-bit numbers are strings. */
interface GcsObject {
  readonly name: string;
  readonly size: string;
  readonly generation: string;
}

/** `gs://BUCKET/OBJECT`, or all below the prefix `OBJECT/`, by the JSON API; each object pinned to its generation. */
export async function gcsSource(bucket: string, key: string, { timeoutMs, env }: GcsOptions): Promise<Source> {
  const client = createHttpClient(timeoutMs, env);
  const emulator = env['STORAGE_EMULATOR_HOST'] ?? '';
  const host = emulator === '' ? 'https://storage.googleapis.com' : emulator.replace(/^(?!https?:)/, 'http://');
  const base = `${host}/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const token = emulator === '' ? await tokens() : () => Promise.resolve(undefined);
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const what = (name: string) => `gs://${bucket}/${name}`;

  const get = async (path: string, signal: AbortSignal, headers = {}): Promise<IncomingMessage> => {
    const bearer = await token();
    const authorization = bearer === undefined ? undefined : `Bearer ${bearer}`;
    return client.get(new URL(base + path), { headers, authorization, signal });
  };

  const single = async (signal: AbortSignal): Promise<SourceFile | undefined> => {
    if (key === prefix) return undefined;
    const answer = await get(`/${encodeURIComponent(key)}?fields=name,size,generation`, signal);
    // Without the right to list, a missing object is forbidden too: the list will tell.
    if (answer.statusCode === 404 || answer.statusCode === 403) {
      answer.destroy();
      return undefined;
    }
    expectOk(answer, what(key));
    return described((await json(answer)) as GcsObject, key.lastIndexOf('/') + 1);
  };

  const page = async (pageToken: string, signal: AbortSignal) => {
    const fields = 'items(name,size,generation),nextPageToken';
    const query = new URLSearchParams({ prefix, fields, ...(pageToken === '' ? {} : { pageToken }) });
    const answer = await get(`?${query.toString()}`, signal);
    if (answer.statusCode === 404) {
      answer.destroy();
      throw new FetchError('BucketNotFound', `There is no bucket ${bucket}; check its name`);
    }
    expectOk(answer, what(key));
    return (await json(answer)) as { items?: GcsObject[]; nextPageToken?: string };
  };

  const list = async (maxFiles: number, signal: AbortSignal): Promise<Listing> => {
    const file = await single(signal);
    if (file !== undefined) return { kind: 'file', files: [file] };
    const files: SourceFile[] = [];
    let pageToken = '';
    do {
      const { items = [], nextPageToken = '' } = await page(pageToken, signal);
      files.push(...items.filter(({ name }) => !name.endsWith('/')).map((item) => described(item, prefix.length)));
      pageToken = nextPageToken;
    } while (pageToken !== '' && files.length <= maxFiles);
    if (files.length > 0) return { kind: 'folder', files };
    throw new FetchError('FileNotFound', `There is nothing at ${what(key)}; check the path`);
  };

  return {
    list,
    open: async ({ id, version }, { offset }, signal) => {
      const query = `?alt=media&ifGenerationMatch=${version}`;
      const range = offset === 0 ? {} : { range: `bytes=${offset}-` };
      const answer = await get(`/${encodeURIComponent(id)}${query}`, signal, range);
      expectOk(answer, what(id));
      return { ...openedAnswer(answer, offset, what(id)), version };
    },
    close: client.close,
  };
}

function described({ name, size, generation }: GcsObject, skip: number): SourceFile {
  return { id: name, name: name.slice(skip), size: Number(size), version: generation };
}

/** Google's own library finds the credentials: GOOGLE_APPLICATION_CREDENTIALS or the pod's identity. None: a public bucket. */
async function tokens(): Promise<() => Promise<string | undefined>> {
  const { GoogleAuth } = await import('google-auth-library');
  const auth = new GoogleAuth({ scopes: [READ_ONLY] });
  try {
    await auth.getClient();
  } catch (cause) {
    if (/could not load the default credentials/i.test((cause as Error).message))
      return () => Promise.resolve(undefined);
    throw credentialsFailure(cause);
  }
  return async () => {
    try {
      return (await auth.getAccessToken()) ?? undefined;
    } catch (cause) {
      throw credentialsFailure(cause);
    }
  };
}

function credentialsFailure(cause: unknown): FetchError {
  const { code = 'invalid' } = cause as NodeJS.ErrnoException;
  if (/^(ECONN|ETIMEDOUT|EAI_AGAIN|EHOST|ENET)/.test(code)) return networkFailure(cause, "Google's server of tokens");
  return new FetchError(
    'CredentialsMissing',
    `The credentials that GOOGLE_APPLICATION_CREDENTIALS names cannot be used (${code}); mount a valid file`,
    { cause },
  );
}
