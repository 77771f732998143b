import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { createKubeClient } from './client.ts';
import { createEventRecorder } from './events.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { configMap, createMemoryLog, eventually } from './testing/fixtures.ts';
import { type Script, sendJson, sendStatus, startScriptedServer } from './testing/scripted-server.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const accept: Script = ({ body }, response) => sendJson(response, 201, JSON.parse(body));

async function setUp(script: Script = accept) {
  const server = await startScriptedServer(script);
  const clock = createFakeClock();
  const log = createMemoryLog();
  const client = createKubeClient({
    kubeConfig: server.kubeConfig,
    userAgent: 't',
    registry: new Registry(),
    clock,
    log,
  });
  cleanups.push(async () => {
    await client.close();
    await server.close();
  });
  const recorder = createEventRecorder({ client, component: 'example.dev/operator', instance: 'pod-1', clock, log });
  const sent = () =>
    server.received.map(({ method, path, body }) => ({
      method,
      path,
      body: JSON.parse(body) as Record<string, unknown>,
    }));
  return { recorder, clock, sent, log };
}

const note = { type: 'Warning', reason: 'FileNotFound', message: 'no such file', action: 'Materialising' } as const;

describe('the event recorder', () => {
  it('writes what kubectl describe shows', async () => {
    const { recorder, sent } = await setUp();

    recorder.record(configMap('a'), note);
    await recorder.flush();

    const [event] = sent();
    expect(event).toMatchObject({
      method: 'POST',
      path: '/apis/events.k8s.io/v1/namespaces/default/events',
      body: {
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'example.dev/operator',
        reportingInstance: 'pod-1',
        action: 'Materialising',
        reason: 'FileNotFound',
        note: 'no such file',
        type: 'Warning',
        regarding: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'default', uid: 'uid-of-a' },
      },
    });
  });

  it('raises the count of an event that comes again within ten minutes, and makes a new one after', async () => {
    const { recorder, clock, sent } = await setUp();
    const again = async (ms: number) => {
      await clock.advance(ms);
      recorder.record(configMap('a'), note);
      await recorder.flush();
    };

    await again(0);
    await again(60_000);
    await again(599_999);
    await again(600_000);

    expect(
      sent().map(({ method, body }) => [method, (body['series'] as { count: number } | undefined)?.count]),
    ).toEqual([
      ['POST', undefined],
      ['PATCH', 2],
      ['PATCH', 3],
      ['POST', undefined],
    ]);
  });

  it('keeps events of other objects, reasons and messages apart', async () => {
    const { recorder, sent } = await setUp();

    recorder.record(configMap('a'), note);
    recorder.record(configMap('b'), note);
    recorder.record(configMap('a'), { ...note, message: 'another' });
    await recorder.flush();

    expect(sent().map(({ method }) => method)).toEqual(['POST', 'POST', 'POST']);
    expect(new Set(sent().map(({ body }) => (body['metadata'] as { name: string }).name)).size).toBe(3);
  });

  it('folds a flood into one event and at most one update', async () => {
    const { recorder, sent } = await setUp();

    for (let i = 0; i < 500; i += 1) recorder.record(configMap('a'), note);
    await recorder.flush();

    const last = sent().at(-1);
    expect(sent().length).toBeLessThanOrEqual(2);
    expect(last?.body).toMatchObject({ series: { count: 500 } });
  });

  it('starts a new event when the old one has expired in the cluster', async () => {
    const { recorder, sent } = await setUp(({ method, body }, response) =>
      method === 'PATCH' ? sendStatus(response, 404, 'NotFound') : sendJson(response, 201, JSON.parse(body)),
    );

    for (let i = 0; i < 3; i += 1) {
      recorder.record(configMap('a'), note);
      await recorder.flush();
    }

    expect(sent().map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
  });

  it.each([
    [403, 'Forbidden'],
    [404, 'NotFound'],
  ])('does not try again in a namespace that ends or is gone (%d)', async (code, reason) => {
    const { recorder, sent } = await setUp((_, response) => sendStatus(response, code, reason));

    recorder.record(configMap('a'), note);
    await recorder.flush();

    expect(sent()).toHaveLength(1);
  });

  it('leaves the server alone for as long as it asks', async () => {
    let answers = 0;
    const { recorder, clock, sent } = await setUp((_request, response) => {
      answers += 1;
      if (answers === 1) return sendStatus(response, 429, 'TooManyRequests', { 'retry-after': '60' });
      return sendJson(response, 201, {});
    });

    recorder.record(configMap('a'), note);
    await eventually(() => clock.pending() === 1);
    await clock.advance(59_000);
    expect(sent()).toHaveLength(1);
    await clock.advance(1_000);
    await recorder.flush();

    expect(sent()).toHaveLength(2);
  });

  it('tries again when the server is down, gives up on a refusal, and never throws', async () => {
    let answers = 0;
    const { recorder, clock, sent } = await setUp(({ body }, response) => {
      answers += 1;
      if (answers === 1) return sendStatus(response, 500, 'InternalError');
      return body.includes('Bad') ? sendStatus(response, 422, 'Invalid') : sendJson(response, 201, {});
    });

    recorder.record(configMap('a'), note);
    recorder.record(configMap('a'), { ...note, reason: 'Bad' });
    recorder.record(configMap('b'), note);
    await eventually(async () => {
      await clock.advance(100);
      return sent().length === 4;
    });

    expect(sent().map(({ body }) => [(body['regarding'] as { name: string }).name, body['reason']])).toEqual([
      ['a', 'FileNotFound'],
      ['a', 'FileNotFound'],
      ['a', 'Bad'],
      ['b', 'FileNotFound'],
    ]);
  });
});
