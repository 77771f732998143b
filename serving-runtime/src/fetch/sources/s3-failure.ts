import { FetchError } from '../failure.ts';
import type { FetchReason } from '../failure.ts';
import { changed, networkFailure, statusFailure } from './network-failure.ts';

interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Record<string, string> };
}

export function statusOf(cause: unknown): number | undefined {
  return (cause as SdkError).$metadata?.httpStatusCode;
}

interface Meaning {
  readonly codes: readonly string[];
  readonly reason: FetchReason;
  readonly say: (what: string, bucket: string, code: string) => string;
}

/** The codes of S3's errors: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and one of its client. */
const MEANINGS: readonly Meaning[] = [
  {
    codes: ['NoSuchBucket', 'InvalidBucketName'],
    reason: 'BucketNotFound',
    say: (_what, bucket) => `There is no bucket ${bucket}; check its name and AWS_ENDPOINT_URL`,
  },
  {
    codes: [
      'PermanentRedirect',
      'TemporaryRedirect',
      'AuthorizationHeaderMalformed',
      'IllegalLocationConstraintException',
    ],
    reason: 'RegionWrong',
    say: (_what, bucket) => `The bucket ${bucket} is in another region; name that in AWS_REGION`,
  },
  {
    codes: ['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken'],
    reason: 'AccessDenied',
    say: (what, _bucket, code) =>
      `${what} may not be read with the credentials of this pod (${code}); they need s3:GetObject, and s3:ListBucket for a folder`,
  },
  {
    codes: ['CredentialsProviderError'],
    reason: 'CredentialsMissing',
    say: (what) =>
      `There are no credentials for ${what}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from a Secret, mount a file and name it in AWS_SHARED_CREDENTIALS_FILE, or give the service account a role`,
  },
];

/** What an error of the client is to a person. `what`: `s3://BUCKET/KEY`. */
export function s3Failure(cause: unknown, what: string): FetchError {
  if (cause instanceof FetchError) return cause;
  const { name, message, $response } = cause as SdkError;
  const bucket = what.split('/')[2] ?? '';
  const meaning = MEANINGS.find(({ codes }) => codes.includes(name));
  if (meaning !== undefined) return new FetchError(meaning.reason, meaning.say(what, bucket, name), { cause });
  if (message.includes('Region is missing')) {
    return new FetchError('RegionWrong', 'No region is named; set AWS_REGION to that of the bucket', { cause });
  }
  const status = statusOf(cause);
  if (name === 'PreconditionFailed' || name === 'InvalidRange') return changed(what);
  if (status !== undefined && status >= 300) return statusFailure(status, $response?.headers ?? {}, what);
  return networkFailure(cause, what);
}
