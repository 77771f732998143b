import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, readConfig, USAGE } from './config.ts';
import type { ConfigInput } from './config.ts';
import { POD_PATHS, USUAL_POD_PATHS } from './pod-paths.ts';
import { flagOf, SETTING_NAMES, variableOf } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const images = { SLIPWAY_SERVING_RUNTIME_IMAGE: 'serving:1', SLIPWAY_BATCH_RUNTIME_IMAGE: 'batch:1' };
const enough = { ...images, SLIPWAY_LEASE_NAMESPACE: 'slipway' };

function read(input: Partial<ConfigInput> = {}) {
  return readConfig({ args: [], environment: enough, hostname: 'pod-1', ...input });
}

function problemOf(input: Partial<ConfigInput>): string {
  try {
    read(input);
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.message;
    throw cause;
  }
  return 'no problem';
}

function fileWith(text: string): string {
  const path = join(folder, 'slipway.yaml');
  writeFileSync(path, text);
  return path;
}

describe('readConfig', () => {
  it('needs the images and where the lease is, and has a default for everything else', () => {
    expect(read({ environment: { ...enough, SLIPWAY_NAMESPACES: '' } })).toEqual({
      gateway: { namespace: 'slipway', service: 'slipway-gateway', adminPort: 8002, tokenFile: undefined },
      workloads: {
        servingRuntimeImage: 'serving:1',
        batchRuntimeImage: 'batch:1',
        imagePullPolicy: 'IfNotPresent',
        drainSeconds: 10,
        keepsSamples: false,
        podPaths: USUAL_POD_PATHS,
        defaultAccess: 'Anyone',
      },
      namespaces: undefined,
      lease: { namespace: 'slipway', name: 'slipway-operator' },
      signingPolicy: undefined,
      gatewayApi: false,
      accessAtPods: false,
      identity: 'pod-1',
      healthPort: 8081,
      metricsPort: 8080,
      logLevel: 'info',
      logLevelPort: 8082,
    });
  });

  it('takes a list of namespaces, and works without a lease where it is told so', () => {
    const environment = { ...images, SLIPWAY_LEADER_ELECTION: 'Disabled', SLIPWAY_NAMESPACES: 'a, b,' };
    expect(read({ environment })).toMatchObject({ namespaces: ['a', 'b'], lease: undefined });
  });

  it('lets a flag go before a variable, and a variable before the file', () => {
    const file = fileWith('logLevel: debug\nhealthPort: 1\nmetricsPort: 2\nnamespaces: [a, b]\n');
    const environment = { ...enough, SLIPWAY_HEALTH_PORT: '3', SLIPWAY_METRICS_PORT: '4' };
    const config = read({ args: ['--config', file, '--metrics-port=5'], environment });
    expect(config).toMatchObject({ logLevel: 'debug', healthPort: 3, metricsPort: 5, namespaces: ['a', 'b'] });
  });

  it.each<[string, string, readonly string[]]>([
    ['those that are listed', 'spec.runtimeClassName, metadata.labels', ['spec.runtimeClassName', 'metadata.labels']],
    ['none', 'None', []],
    ['the usual ones', '', USUAL_POD_PATHS],
    ['all that there are', POD_PATHS.join(','), POD_PATHS],
  ])('lets services set %s', (_, given, podPaths) => {
    expect(read({ environment: { ...enough, SLIPWAY_POD_PATHS: given } })).toMatchObject({ workloads: { podPaths } });
  });

  it('says which path cannot be allowed, and which can', () => {
    const problem = problemOf({ environment: { ...enough, SLIPWAY_POD_PATHS: 'spec.tolerations,spec.hostNetwork' } });
    expect(problem).toContain(
      'SLIPWAY_POD_PATHS: "spec.hostNetwork" is no path that can be allowed; there are metadata.labels, ',
    );
  });

  it('is told by a variable where the file is', () => {
    const environment = { ...enough, SLIPWAY_CONFIG: fileWith('leaseName: other\n') };
    expect(read({ environment })).toMatchObject({ lease: { name: 'other' } });
  });

  it.each([['--help', 'help'] as const, ['-h', 'help'] as const, ['--version', 'version'] as const])(
    'answers %s, whatever else is missing',
    (flag, answer) => {
      expect(read({ args: [flag], environment: {} })).toBe(answer);
    },
  );

  it('names everything that is wrong at once, by the place where it was given', () => {
    const problem = problemOf({
      args: ['--health-port', '99999', '--config', fileWith('drainSeconds: soon\n')],
      environment: { SLIPWAY_LOG_LEVEL: 'loud', SLIPWAY_NAMESPACES: 'A_B' },
    });
    const places = [
      '--serving-runtime-image or SLIPWAY_SERVING_RUNTIME_IMAGE: must be set',
      '--health-port: ',
      'SLIPWAY_LOG_LEVEL: ',
      'SLIPWAY_NAMESPACES: must be the name of a namespace',
      `drainSeconds in ${join(folder, 'slipway.yaml')}: `,
    ];
    for (const place of places) expect(problem).toContain(`  ${place}`);
  });

  it.each<[string, readonly string[], string]>([
    ['a flag that there is not', ['--log-levle', 'info'], 'There is no --log-levle. --help lists all flags.'],
    ['a flag without its value', ['--log-level'], '--log-level needs a value after it.'],
    ['a word that is no flag', ['debug'], '"debug" is no flag.'],
    ['a file that is not there', ['--config', '/nowhere.yaml'], 'The file of --config cannot be read: ENOENT'],
  ])('says what is wrong with %s', (_, args, words) => {
    expect(problemOf({ args })).toContain(words);
  });

  it.each([
    [
      'a key that is no setting',
      'loglevel: info\n',
      'has what is no setting: loglevel. There are: servingRuntimeImage',
    ],
    ['a text that is no YAML', 'logLevel: [\n', 'is not valid YAML'],
    ['a list', '- logLevel\n', 'must hold settings, one a line'],
  ])('says what is wrong with a file that holds %s', (_, text, words) => {
    expect(problemOf({ args: ['--config', fileWith(text)] })).toContain(words);
  });

  it('takes an empty file', () => {
    expect(read({ args: ['--config', fileWith('')] })).toMatchObject({ logLevel: 'info' });
  });

  it('says what to set where the lease has no namespace', () => {
    expect(problemOf({ environment: images })).toContain('Set --lease-namespace or SLIPWAY_LEASE_NAMESPACE');
  });
});

describe('the help', () => {
  it('tells of every setting, in lines that fit a terminal', () => {
    const told = [...USAGE.matchAll(/^ {2}(--[a-z-]+) /gm)].map(([, flag]) => flag);
    expect(told.filter((flag) => flag !== '--config')).toEqual(SETTING_NAMES.map(flagOf));
    expect(Math.max(...USAGE.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('spells a setting in three ways', () => {
    expect([flagOf('logLevelPort'), variableOf('logLevelPort')]).toEqual([
      '--log-level-port',
      'SLIPWAY_LOG_LEVEL_PORT',
    ]);
  });
});
