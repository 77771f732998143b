import { expect, it } from 'vitest';
import { readConfig, USAGE } from './config.ts';
import { FLAGS } from './flags.ts';

it('has a value for everything that is not said', () => {
  expect(readConfig([])).toEqual({
    host: '0.0.0.0',
    port: 8080,
    'admin-port': 8002,
    'cluster-domain': 'cluster.local',
    'max-connections': 10_000,
    'max-connections-per-address': 1000,
    'log-level': 'info',
    'drain-seconds': 5,
    'grace-seconds': 25,
  });
});

it('takes namespaces as a list', () => {
  expect(readConfig(['--namespaces=team-a,team-b'])).toMatchObject({ namespaces: ['team-a', 'team-b'] });
});

it.each([
  [['--port=70000'], /--port: /],
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
