import { Counter, Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttpEndpoints } from './http-endpoints.ts';
import type { HttpEndpoints } from './http-endpoints.ts';
import { createLog } from './log-level.ts';

let endpoints: HttpEndpoints;
const lines: string[] = [];
const { log, logLevel } = createLog({ write: (line) => void lines.push(line) });
let state: { ok: boolean; why?: string } = { ok: false, why: 'pods is not filled yet' };

beforeAll(async () => {
  const registry = new Registry();
  new Counter({ name: 'slipway_things', help: 'Things', registers: [registry] }).inc();
  endpoints = await startHttpEndpoints({
    healthPort: 0,
    metricsPort: 0,
    logLevelPort: 0,
    registry,
    logLevel,
    ready: () => state,
  });
});
afterAll(() => endpoints.close());

async function ask(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${response.status} ${(await response.text()).trim()}`;
}

describe('the endpoints', () => {
  it('are healthy from the start, and ready when the caches are', async () => {
    expect(await ask(endpoints.healthPort, '/healthz')).toBe('200 ok');
    expect(await ask(endpoints.healthPort, '/readyz')).toBe('503 pods is not filled yet');
    state = { ok: true };
    expect(await ask(endpoints.healthPort, '/readyz?verbose')).toBe('200 ok');
  });

  it('show the metrics on a port of their own', async () => {
    expect(await ask(endpoints.metricsPort, '/metrics')).toContain('slipway_things 1');
    expect(await ask(endpoints.healthPort, '/metrics')).toMatch(/^404/);
  });

  it('name the port that somebody else has', async () => {
    const taken = {
      healthPort: endpoints.healthPort,
      metricsPort: 0,
      logLevelPort: 0,
      registry: new Registry(),
      logLevel,
      ready: () => state,
    };
    await expect(startHttpEndpoints(taken)).rejects.toThrow(`cannot listen on port ${endpoints.healthPort}`);
  });

  it('change the log level while the operator runs, also of loggers that are there already', async () => {
    const put = async (body: string) => {
      const response = await fetch(`http://127.0.0.1:${endpoints.logLevelPort}/log-level`, { method: 'PUT', body });
      return `${response.status} ${(await response.text()).trim()}`;
    };
    const child = log.child({ controller: 'a' });
    child.debug('before');

    expect(await put('debug')).toBe('200 debug');
    child.debug('after');
    expect(await put('loud')).toBe('400 the body must be one of trace, debug, info, warn, error');
    expect(await put('x'.repeat(100_000))).toContain('400 ');
    expect(await ask(endpoints.logLevelPort, '/log-level')).toBe('200 debug');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['after']);
  });
});
