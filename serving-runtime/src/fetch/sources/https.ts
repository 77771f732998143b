import { FetchError } from '../failure.ts';
import { createHttpClient, printable } from './http-request.ts';
import { expectOk, openedAnswer } from './ranged.ts';
import type { Place, Source } from './source.ts';

export interface HttpsOptions {
  /** The value of the header Authorization. */
  readonly authorization: string | undefined;
  readonly timeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
}

/** One file over HTTP. Its version is its strong ETag: a server that sends none cannot be asked for the rest of a file. */
export function httpsSource(url: URL, { authorization, timeoutMs, env }: HttpsOptions): Source {
  const client = createHttpClient(timeoutMs, env);
  const what = printable(url);
  return {
    list: () => Promise.resolve({ kind: 'file', files: [{ id: url.pathname, name: nameOf(url) }] }),
    open: async (_file, { offset, version }, signal) => {
      const answer = await client.get(url, { headers: rangeHeaders({ offset, version }), authorization, signal });
      expectOk(answer, what);
      return { ...openedAnswer(answer, offset, what), version: strong(answer.headers.etag) };
    },
    close: client.close,
  };
}

/** `If-Range`: the rest if it is still the same, else all of it (RFC 9110, 13.1.5). */
function rangeHeaders({ offset, version }: Place) {
  return offset > 0 && version !== undefined ? { range: `bytes=${offset}-`, 'if-range': version } : {};
}

function strong(etag: string | undefined): string | undefined {
  return etag?.startsWith('"') === true ? etag : undefined;
}

function nameOf(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? '';
  try {
    return last === '' ? 'model' : decodeURIComponent(last);
  } catch {
    throw new FetchError('RequestInvalid', `The address ${printable(url)} has a broken percent sign`);
  }
}
