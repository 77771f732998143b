import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, USAGE, VARIABLES } from './config.ts';

const images = { SLIPWAY_SERVING_RUNTIME_IMAGE: 'serving:1', SLIPWAY_BATCH_RUNTIME_IMAGE: 'batch:1' };

function problemOf(environment: Record<string, string>): string {
  try {
    readConfig(environment, 'host');
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.message;
    throw cause;
  }
  return 'no problem';
}

describe('readConfig', () => {
  it('needs the images and where the lease is, and has a default for everything else', () => {
    expect(readConfig({ ...images, SLIPWAY_LEASE_NAMESPACE: 'slipway', SLIPWAY_NAMESPACES: '' }, 'pod-1')).toEqual({
      workloads: {
        servingRuntimeImage: 'serving:1',
        batchRuntimeImage: 'batch:1',
        imagePullPolicy: 'IfNotPresent',
        drainSeconds: 10,
      },
      namespaces: undefined,
      lease: { namespace: 'slipway', name: 'slipway-operator' },
      identity: 'pod-1',
      healthPort: 8081,
      metricsPort: 8080,
      logLevel: 'info',
      logLevelPort: 8082,
    });
  });

  it('takes a list of namespaces, and works without a lease where it is told so', () => {
    const config = readConfig({ ...images, SLIPWAY_LEADER_ELECTION: 'Disabled', SLIPWAY_NAMESPACES: 'a, b,' }, 'host');
    expect(config).toMatchObject({ namespaces: ['a', 'b'], lease: undefined });
  });

  it('is told about in full by --help', () => {
    const told = [...USAGE.matchAll(/^ {2}(SLIPWAY_\w+) /gm)].map(([, name]) => name);
    expect(told).toEqual(VARIABLES);
  });

  it('names every wrong variable at once', () => {
    const problem = problemOf({ SLIPWAY_HEALTH_PORT: '99999', SLIPWAY_LOG_LEVEL: 'loud', SLIPWAY_NAMESPACES: 'A_B' });
    for (const name of [...Object.keys(images), 'SLIPWAY_HEALTH_PORT', 'SLIPWAY_LOG_LEVEL', 'SLIPWAY_NAMESPACES']) {
      expect(problem).toContain(`  ${name}`);
    }
  });

  it('says what to set where the lease has no namespace', () => {
    expect(problemOf(images)).toContain('Set SLIPWAY_LEASE_NAMESPACE');
  });
});
