import type { IncomingHttpHeaders } from 'node:http';
import { FetchError } from '../failure.ts';
import { retryAfterMs } from '../retry.ts';

/** Of OpenSSL, as Node names them. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/** What a connection that failed is to a person. */
export function networkFailure(cause: unknown, what: string): FetchError {
  if (cause instanceof FetchError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (TLS_CODE.test(code)) {
    return new FetchError(
      'TlsFailed',
      `No safe connection to ${what}: ${message} (${code}). For an authority of your own, mount its certificate and name it in NODE_EXTRA_CA_CERTS`,
      { cause },
    );
  }
  const words = `${what} cannot be reached: ${message === '' ? code : message}`;
  return new FetchError('SourceUnreachable', words, { cause, again: true });
}

/** What a status of HTTP that is no success is to a person. */
export function statusFailure(status: number, headers: IncomingHttpHeaders, what: string): FetchError {
  if (status === 401 || status === 403) {
    const message = `${what} may not be read with the credentials of this pod (status ${status}); give it ones that may`;
    return new FetchError('AccessDenied', message);
  }
  if (status === 404 || status === 410) return new FetchError('FileNotFound', `There is no ${what}; check the path`);
  if (status === 412 || status === 416) return changed(what);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const afterMs = retryAfterMs(headers['retry-after'], Date.now());
    return new FetchError('SourceUnreachable', `${what} answers with status ${status}`, { again: true, afterMs });
  }
  return new FetchError('SourceRefused', `${what} answers with status ${status}`);
}

export function changed(what: string): FetchError {
  return new FetchError('SourceChanged', `${what} was changed while it was fetched`);
}
