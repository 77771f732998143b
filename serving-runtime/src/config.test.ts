import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { readConfig, USAGE } from './config.ts';

const read = (...args: string[]) => readConfig(['--model-repository=models', ...args]);

describe('flags', () => {
  it.each([
    [['--tls-cert-file=a'], '--tls-cert-file needs --tls-key-file'],
    [['--tls-client-ca-file=a'], '--tls-client-ca-file needs --tls-cert-file'],
    [['--jwt-jwks-file=a', '--jwt-audience=b'], '--jwt-jwks-file needs --jwt-issuer'],
    [['--jwt-jwks-file=a', '--jwt-issuer=b'], '--jwt-jwks-file needs --jwt-audience'],
    [['--jwt-audience=a'], '--jwt-audience needs --jwt-jwks-url or --jwt-jwks-file'],
    [['--jwt-issuer=a'], '--jwt-issuer needs --jwt-jwks-url or --jwt-jwks-file'],
    [['--jwt-jwks-url=http://keys.example', '--jwt-issuer=a', '--jwt-audience=b'], 'must be an https:// address'],
    [['--jwt-jwks-url=https://keys.example', '--jwt-jwks-file=c', '--jwt-issuer=a', '--jwt-audience=b'], 'not both'],
    [['--allowed-client-names=a'], '--allowed-client-names needs --tls-client-ca-file'],
    [['--auth-token-file='], '--auth-token-file'],
    [['--max-connections=0'], '--max-connections'],
    [['--receive-seconds=0'], '--receive-seconds'],
    [['--access-log=some'], '--access-log'],
    [['--access-log-payloads=0.1'], '--access-log-payloads needs --access-log-payload-file'],
    [['--access-log-payload-file=a'], '--access-log-payload-file needs --access-log-payloads'],
    [['--access-log-payloads=1.5', '--access-log-payload-file=a'], '--access-log-payloads'],
  ])('that leave a door open, or mean nothing, are refused: %j', (args, message) => {
    expect(() => read(...args)).toThrow(message);
  });

  it('are each told of in the help, in lines that fit a terminal', () => {
    const config = read();
    const names = config === 'help' ? [] : Object.keys(config);

    expect(names.filter((name) => !USAGE.includes(`--${name} `))).toEqual([]);
    expect(USAGE.split('\n').filter((line) => line.length > 118)).toEqual([]);
  });

  it('of the example for KServe are taken', () => {
    const text = readFileSync(join(import.meta.dirname, '../../examples/serve-with-kserve/README.md'), 'utf8');
    const [, manifest = ''] = /```yaml\n([^]*?)```/.exec(text) ?? [];
    const [runtime] = loadAll(manifest) as { spec: { containers: { args: string[] }[] } }[];

    expect(readConfig(runtime?.spec.containers[0]?.args ?? [])).toMatchObject({
      'model-repository': '/mnt/models',
      'http-port': 8080,
    });
  });
});
