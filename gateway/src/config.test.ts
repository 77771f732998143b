import { expect, it } from 'vitest';
import { readConfig, USAGE } from './config.ts';
import { FLAGS } from './flags.ts';

it('has a value for everything that is not said', () => {
  expect(readConfig([])).toEqual({
    host: '0.0.0.0',
    port: 8080,
    'admin-port': 8002,
    'tls-port': 8443,
    'cluster-domain': 'cluster.local',
    'max-connections': 10_000,
    'max-connections-per-address': 1000,
    'sampling-size-limit': 1024 ** 3,
    'sampling-retention': 168 * 3_600_000,
    'log-level': 'info',
    'drain-seconds': 5,
    'grace-seconds': 25,
  });
});

it('takes namespaces as a list', () => {
  expect(readConfig(['--namespaces=team-a,team-b'])).toMatchObject({ namespaces: ['team-a', 'team-b'] });
});

it('takes quantities and durations as Kubernetes writes them', () => {
  const given = readConfig(['--sampling-dir=/samples', '--sampling-size-limit=20Gi', '--sampling-retention=1h30m']);
  const read = { 'sampling-dir': '/samples', 'sampling-size-limit': 20 * 1024 ** 3, 'sampling-retention': 5_400_000 };
  expect(given).toMatchObject(read);
});

it.each([
  [['--sampling-size-limit=1Mi'], /--sampling-size-limit: must be a quantity of at least 16Mi/],
  [['--sampling-retention=7d'], /--sampling-retention: must be a duration/],
  [['--port=70000'], /--port: /],
  [['--tls-key-file=a'], /--tls-key-file needs --tls-cert-file/],
  [['--tls-cert-file=a'], /--tls-cert-file needs --tls-key-file/],
  [['--tls-client-ca-file=a'], /--tls-client-ca-file needs --tls-cert-file/],
  [['--operator=slipway'], /--operator: must be the namespace and the name/],
  [['--log-level=loud'], /--log-level: /],
  [['--prot=1'], /--prot/],
])('names the flag that is wrong: %s', (args, message) => {
  expect(() => readConfig(args)).toThrow(message);
});

it('the help says every flag, in no more than 100 columns', () => {
  expect(readConfig(['--port', '1', '-h'])).toBe('help');
  for (const name of Object.keys(FLAGS)) expect(USAGE).toContain(`--${name} `);
  expect(Math.max(...USAGE.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
});
