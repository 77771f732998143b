import { describe, expect, it } from 'vitest';
import { serverSettings, ServerSettings, settingsProblem } from './server-settings.ts';

const input = (data: readonly unknown[]) => ({ name: 'x', shape: [1, 2], data: data as number[] });

describe('serverSettings', () => {
  it('says nothing of what was not asked for', () => {
    expect(JSON.stringify(serverSettings({ instances: 1 }))).toBe('{"instances":1}');
  });

  it("says everything in the server's words and units", () => {
    const asked = {
      instances: 2,
      threads: 4,
      maxBatch: 32,
      maxQueued: 100,
      maxQueuedMemory: '64Mi',
      timeout: '1.5s',
      maxRunTime: '2m',
      isolation: 'Process' as const,
      cache: '1Gi',
      warmUp: [{ inputs: [input([1, 2])] }],
    };
    const settings = serverSettings(asked);
    expect(settings).toEqual({
      instances: 2,
      threads: 4,
      maxBatchRows: 32,
      maxQueuedRows: 100,
      maxQueuedBytes: 67_108_864,
      timeoutSeconds: 1.5,
      maxRunSeconds: 120,
      isolation: 'process',
      cacheBytes: 1_073_741_824,
      warmUp: [{ x: { shape: [1, 2], data: [1, 2] } }],
    });
    expect(ServerSettings.parse(settings)).toEqual(settings);
  });
});

describe('settingsProblem', () => {
  it('has nothing against values of any type that a tensor has', () => {
    const warmUp = [{ inputs: [input([1, 'a', true])] }];
    expect(settingsProblem({ instances: 1, warmUp })).toBeUndefined();
  });

  it.each([
    ['lists in lists', [{ inputs: [input([[1, 2]])] }], 'the data of input "x" must be numbers, strings'],
    ['more than fits', [{ inputs: [input(Array.from({ length: 60_000 }, () => 1))] }], 'more than 100000 bytes'],
  ])('says what is wrong with %s', (_, warmUp, message) => {
    const problem = settingsProblem({ instances: 1, warmUp });
    expect(problem?.reason).toBe('SettingsInvalid');
    expect(problem?.message).toContain(message);
  });
});
