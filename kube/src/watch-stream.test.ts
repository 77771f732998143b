import { describe, expect, it } from 'vitest';
import type { ConfigMap } from './builtin-kinds.ts';
import { configMap } from './testing/fixtures.ts';
import { type WatchEvent, watchEventsOf } from './watch-stream.ts';

async function* pieces(text: string, size: number): AsyncIterable<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1e6): Promise<{ events: WatchEvent<ConfigMap>[]; error: unknown }> {
  const events: WatchEvent<ConfigMap>[] = [];
  try {
    for await (const event of watchEventsOf<ConfigMap>(pieces(text, size))) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

describe('a watch stream', () => {
  it.each([1, 2, 7, 64, 1e6])('is read whole when it comes in pieces of %i bytes', async (size) => {
    const a = configMap('a', { data: { text: 'ümläut 🙂' } });
    const b = configMap('b');

    const { events, error } = await read(line('ADDED', a) + line('DELETED', b), size);

    expect(error).toBeUndefined();
    expect(events).toEqual([
      { type: 'ADDED', object: a },
      { type: 'DELETED', object: b },
    ]);
  });

  it('that is cut in the middle of a line gives what came before and says so', async () => {
    const { events, error } = await read(line('ADDED', configMap('a')) + line('ADDED', configMap('b')).slice(0, 30));

    expect(events).toHaveLength(1);
    expect(error).toMatchObject({ reason: 'WatchCut' });
  });

  it.each([
    ['that is not JSON', '{"type":"ADD\n', { reason: 'WatchMalformed' }],
    ['of an unknown type', line('GUESSED', configMap('a')), { reason: 'WatchMalformed' }],
    ['without a version', line('ADDED', { metadata: {} }), { reason: 'WatchMalformed' }],
    [
      'that is an expired version',
      line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }),
      { isGone: true, message: 'too old' },
    ],
    ['that is an error without words', line('ERROR', undefined), { message: 'the watch reported an error' }],
  ])('ends at a line %s', async (_name, text, expected) => {
    const { events, error } = await read(line('ADDED', configMap('a')) + text + line('ADDED', configMap('b')));

    expect(events).toHaveLength(1);
    expect(error).toMatchObject(expected);
  });
});
