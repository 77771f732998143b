import type { Pod } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { linesOf } from './lines.ts';
import { logSources, prefixOf } from './pods.ts';

const ALL = { container: undefined, previous: false };
const running = { running: {} };
const waiting = { waiting: { reason: 'PodInitializing' } };

function pod(inits: Readonly<Record<string, object>>, mains: Readonly<Record<string, object>>): Pod {
  const statuses = (states: Readonly<Record<string, object>>) =>
    Object.entries(states).map(([name, state]) => ('state' in state ? { name, ...state } : { name, state }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    status: { initContainerStatuses: statuses(inits), containerStatuses: statuses(mains) },
  } as unknown as Pod;
}

const names = (of: Pod, options: Partial<Parameters<typeof logSources>[1]> = {}) =>
  logSources(of, { ...ALL, ...options }).map(({ container }) => container);

describe('the log of a pod', () => {
  it('is that of its main containers', () => {
    expect(names(pod({ fetch: { terminated: { exitCode: 0 } } }, { server: running }))).toEqual(['server']);
  });

  it('is that of what prepares it while no main container has begun', () => {
    expect(names(pod({ fetch: { terminated: { exitCode: 1 } } }, { server: waiting }))).toEqual(['fetch']);
    expect(names(pod({ fetch: waiting }, { server: waiting }))).toEqual([]);
  });

  it('is that of the container that was named', () => {
    const both = pod({ fetch: { terminated: { exitCode: 0 } } }, { server: running });

    expect(names(both, { container: 'fetch' })).toEqual(['fetch']);
    expect(names(both, { container: 'nope' })).toEqual([]);
  });

  it('is from before only where a container was started again', () => {
    const restarted = pod(
      {},
      { server: { state: running, lastState: { terminated: { exitCode: 1 } } }, proxy: running },
    );

    expect(names(restarted, { previous: true })).toEqual(['server']);
  });
});

it('names the container only where a pod has several', () => {
  const [server, proxy, alone] = [
    { pod: 'a', container: 'server' },
    { pod: 'a', container: 'proxy' },
    { pod: 'b', container: 'server' },
  ];

  expect([server, alone].map((source) => prefixOf(source, [server, proxy, alone]))).toEqual(['a/server', 'b']);
});

it('puts lines and letters together that arrive in pieces', async () => {
  async function* pieces() {
    const bytes = Buffer.from('é one\r\ntwo\nthree');
    yield bytes.subarray(0, 1);
    yield bytes.subarray(1, 9);
    yield bytes.subarray(9);
  }

  const lines: string[] = [];
  for await (const line of linesOf(pieces())) lines.push(line);

  expect(lines).toEqual(['é one', 'two', 'three']);
});
