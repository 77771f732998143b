import type { S3Client } from '@aws-sdk/client-s3';
import { FetchError } from '../failure.ts';
import { networkFailure, statusFailure } from './network-failure.ts';
import { extent } from './ranged.ts';
import { s3Failure, statusOf } from './s3-failure.ts';
import type { Listing, Opened, Place, Source, SourceFile } from './source.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

export interface S3Options {
  readonly timeoutMs: number;
  /** How many objects at once; as many connections are held. */
  readonly concurrency: number;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * `s3://BUCKET/KEY`: one object, or all below the prefix `KEY/`. The client is AWS's own, so credentials and regions are found as
 * everywhere else; it is loaded only here, because that takes a quarter of a second.
 */
export async function s3Source(bucket: string, key: string, options: S3Options): Promise<Source> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = createClient(sdk, options);
  const what = (name: string) => `s3://${bucket}/${name}`;

  const single = async (signal: AbortSignal): Promise<SourceFile | 'none' | 'refused'> => {
    if (key === '' || key.endsWith('/')) return 'none';
    try {
      const head = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
      return { id: key, name: key.slice(key.lastIndexOf('/') + 1), size: head.ContentLength, version: head.ETag };
    } catch (cause) {
      // The answer to a HEAD has no words, and without the right to list a missing key is forbidden too: the list will tell.
      const status = statusOf(cause);
      if (status === 404) return 'none';
      if (status === 400 || status === 403) return 'refused';
      throw s3Failure(cause, what(key));
    }
  };

  const below = async (maxFiles: number, signal: AbortSignal): Promise<SourceFile[]> => {
    const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
    const files: SourceFile[] = [];
    const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }, { abortSignal: signal });
    try {
      for await (const { Contents = [] } of pages) {
        const listed = Contents.map(({ Key: id = '', Size: size, ETag: version }) => ({
          id,
          name: id.slice(prefix.length),
          size,
          version,
        }));
        // Consoles make empty objects that stand for folders.
        files.push(...listed.filter(({ id }) => !id.endsWith('/')));
        if (files.length > maxFiles) break;
      }
    } catch (cause) {
      throw s3Failure(cause, what(key));
    }
    return files;
  };

  const list = async (maxFiles: number, signal: AbortSignal): Promise<Listing> => {
    const file = await single(signal);
    if (typeof file === 'object') return { kind: 'file', files: [file] };
    const files = await below(maxFiles, signal);
    if (files.length > 0) return { kind: 'folder', files };
    if (file === 'refused') throw statusFailure(403, {}, what(key));
    throw new FetchError('FileNotFound', `There is nothing at ${what(key)}; check the path`);
  };

  const open = async (file: SourceFile, { offset, version }: Place, signal: AbortSignal): Promise<Opened> => {
    const pinned = version ?? file.version;
    const input = {
      Bucket: bucket,
      Key: file.id,
      ...(pinned === undefined ? {} : { IfMatch: pinned }),
      ...(offset === 0 ? {} : { Range: `bytes=${offset}-` }),
    };
    try {
      const got = await client.send(new sdk.GetObjectCommand(input), { abortSignal: signal });
      const range = { range: got.ContentRange, length: got.ContentLength };
      return { body: readBody(got.Body, what(file.id)), ...extent(range, offset, what(file.id)), version: got.ETag };
    } catch (cause) {
      throw s3Failure(cause, what(file.id));
    }
  };
  return { list, open, close: () => client.destroy() };
}

function createClient({ S3Client: Client }: Sdk, { timeoutMs, concurrency, env }: S3Options): S3Client {
  // A variable that a pod takes from an optional key of a Secret may be empty.
  const [endpoint] = [env['AWS_ENDPOINT_URL_S3'], env['AWS_ENDPOINT_URL']].filter(isSet);
  const [region] = [env['AWS_REGION'], env['AWS_DEFAULT_REGION'], endpoint && 'us-east-1'].filter(isSet);
  return new Client({
    ...(region === undefined ? {} : { region }),
    // Other makers' servers seldom have a host name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    followRegionRedirects: true,
    // Our own retries resume where the bytes ended.
    maxAttempts: 1,
    // The checksum is of the whole object, and a resumed request brings a part; what was fetched is verified by its digest.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      httpsAgent: { maxSockets: concurrency, keepAlive: true },
      httpAgent: { maxSockets: concurrency, keepAlive: true },
    },
  });
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

async function* readBody(body: unknown, what: string): AsyncIterable<Uint8Array> {
  try {
    yield* body as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw networkFailure(cause, what);
  }
}
