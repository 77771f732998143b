/** The command line of `fetch` and the files that it names; credentials of clouds are found by their own libraries. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FetchError } from './failure.ts';
import type { Limits } from './limits.ts';
import { invalidSource, parseSource } from './source-url.ts';
import type { SourceUrl } from './source-url.ts';

export const USAGE = `usage: node serving-runtime/src/fetch/main.ts SOURCE DESTINATION [options]

Brings a model into the folder DESTINATION: all of it and verified, or nothing. Run again it goes on where it ended.

SOURCE is a file, or all files below a folder:
  s3://BUCKET/KEY        AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_SHARED_CREDENTIALS_FILE, a role of the service
                         account; AWS_REGION; AWS_ENDPOINT_URL for other makers' servers
  gs://BUCKET/OBJECT     GOOGLE_APPLICATION_CREDENTIALS, or the identity of the pod; none for a public bucket
  https://HOST/FILE      one file; http:// only with --digest or --sha256
  pvc://CLAIM/PATH       the claim is mounted at PVC_ROOT/CLAIM
  file:///PATH, /PATH    what is mounted there

What it must be
  --digest sha256:HEX    the digest of the files as they will lie there, as in a ModelVersion
  --sha256 HEX           of the one file that is fetched, as sha256sum prints it
  --unpack WHEN          auto: one .tar, .tar.gz, .tgz or .zip; always: the one file; never (auto)
  --replace              other files at DESTINATION may go; without it they are an error

Limits
  --max-bytes N          all files together, and an archive before it is unpacked (107374182400)
  --max-files N          (10000)
  --max-ratio N          bytes that a byte of an archive may become (100)
  --concurrency N        files at a time (4)
  --timeout-seconds N    a connection that brings no byte for so long is given up (30)
  --retries N            in a row without any progress (8)

Places
  --cache DIR            keeps what was fetched by digest, for all who name the same folder
  --cache-max-bytes N    beyond it, what was used longest ago goes (no bound)
  --pvc-root DIR         (/mnt/pvc)
  --bearer-file FILE     holds the token for https://
  --basic-file FILE      holds USER:PASSWORD for https://
  --result-file FILE     where the result goes too, if the file exists (/dev/termination-log)
  --progress-seconds N   (5)

The last line of the output is the result as JSON:
  {"ok":true,"digest":...,"files":...,"bytes":...,"from":...}  or  {"ok":false,"reason":...,"message":...}
Exit codes: 0 done; 1 trying again may help; 2 wrong usage; 3 somebody has to change something.
`;

export interface Config {
  /** As it was given; it may hold secrets in its query, so it is never printed. */
  readonly given: string;
  readonly source: SourceUrl;
  readonly destination: string;
  readonly digest: string | undefined;
  readonly sha256: string | undefined;
  readonly unpack: 'auto' | 'always' | 'never';
  readonly replace: boolean;
  readonly limits: Limits;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly cache: string | undefined;
  readonly cacheMaxBytes: number;
  /** Value of the header Authorization. */
  readonly authorization: string | undefined;
  readonly resultFile: string;
  readonly progressMs: number;
}

const TEXT = { type: 'string' } as const;
const OPTIONS = {
  digest: TEXT,
  sha256: TEXT,
  unpack: { type: 'string', default: 'auto' },
  replace: { type: 'boolean', default: false },
  'max-bytes': { type: 'string', default: String(100 * 1024 ** 3) },
  'max-files': { type: 'string', default: '10000' },
  'max-ratio': { type: 'string', default: '100' },
  concurrency: { type: 'string', default: '4' },
  'timeout-seconds': { type: 'string', default: '30' },
  retries: { type: 'string', default: '8' },
  cache: TEXT,
  'cache-max-bytes': { type: 'string', default: String(Number.MAX_SAFE_INTEGER) },
  'pvc-root': { type: 'string', default: '/mnt/pvc' },
  'bearer-file': TEXT,
  'basic-file': TEXT,
  'result-file': { type: 'string', default: '/dev/termination-log' },
  'progress-seconds': { type: 'string', default: '5' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** `help` when it was asked for. @throws {Error} for a wrong flag, {FetchError} for a source that cannot be */
export function readConfig(args: readonly string[]): Config | 'help' {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help === true) return 'help';
  const [given, destination, ...rest] = positionals;
  if (given === undefined || destination === undefined || rest.length > 0)
    throw new Error('give SOURCE and DESTINATION');
  const { unpack } = values;
  if (unpack !== 'auto' && unpack !== 'always' && unpack !== 'never')
    throw new Error('--unpack: auto, always or never');
  const number = (flag: keyof typeof values, min: number) => numberFlag(flag, String(values[flag]), min);
  const digest = matching('digest', values.digest, /^sha256:[0-9a-f]{64}$/);
  const sha256 = matching('sha256', values.sha256, /^[0-9a-f]{64}$/);
  const authorization = readAuthorization(values['bearer-file'], values['basic-file']);
  const source = parseSource(given, values['pvc-root']);
  if (source.scheme === 'https')
    checkPlainHttp(source.url, { verified: (digest ?? sha256) !== undefined, authorization });
  return {
    given,
    source,
    destination,
    digest,
    sha256,
    unpack,
    replace: values.replace,
    limits: { maxBytes: number('max-bytes', 1), maxFiles: number('max-files', 1), maxRatio: number('max-ratio', 1) },
    concurrency: number('concurrency', 1),
    timeoutMs: number('timeout-seconds', 1) * 1000,
    retries: number('retries', 0),
    cache: values.cache,
    cacheMaxBytes: number('cache-max-bytes', 0),
    authorization,
    resultFile: values['result-file'],
    progressMs: number('progress-seconds', 1) * 1000,
  };
}

function numberFlag(flag: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new Error(`--${flag}: ${JSON.stringify(text)} is no whole number of at least ${min}`);
}

function matching(flag: string, text: string | undefined, pattern: RegExp): string | undefined {
  if (text === undefined || pattern.test(text)) return text;
  throw new Error(`--${flag}: 64 hexadecimal digits in lower case${flag === 'digest' ? ' after sha256:' : ''}`);
}

function readAuthorization(bearerFile: string | undefined, basicFile: string | undefined): string | undefined {
  if (bearerFile !== undefined && basicFile !== undefined)
    throw new Error('give --bearer-file or --basic-file, not both');
  if (bearerFile !== undefined) return `Bearer ${secret(bearerFile)}`;
  if (basicFile !== undefined) return `Basic ${Buffer.from(secret(basicFile)).toString('base64')}`;
  return undefined;
}

function secret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FetchError('CredentialsMissing', `The file ${file} cannot be read (${code}); mount the Secret there`, {
      cause,
    });
  }
}

function checkPlainHttp(
  url: URL,
  { verified, authorization }: { verified: boolean; authorization: string | undefined },
) {
  if (url.protocol === 'https:' || (verified && authorization === undefined)) return;
  throw invalidSource(
    'http:// lets others read and change what is sent: give --digest or --sha256, and no credentials',
  );
}
