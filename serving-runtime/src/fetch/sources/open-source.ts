import type { Config } from '../config.ts';
import { gcsSource } from './gcs.ts';
import { httpsSource } from './https.ts';
import { localSource } from './local.ts';
import { s3Source } from './s3.ts';
import type { Source } from './source.ts';

export function openSource(config: Config, env: NodeJS.ProcessEnv): Promise<Source> {
  const { source, timeoutMs, concurrency, authorization } = config;
  switch (source.scheme) {
    case 's3':
      return s3Source(source.bucket, source.key, { timeoutMs, concurrency, env });
    case 'gs':
      return gcsSource(source.bucket, source.key, { timeoutMs, env });
    case 'https':
      return Promise.resolve(httpsSource(source.url, { authorization, timeoutMs, env }));
    default:
      return Promise.resolve(localSource(source.path));
  }
}
