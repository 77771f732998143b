/** HTTP/1.1 that does not come to an end, against a server that is less patient than by default. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { statusesIn, talk } from '../testing/raw-http1.ts';
import { startTarget } from '../testing/target.ts';
import type { Target } from '../testing/target.ts';

const HEAD = 'POST /v2/models/add/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n';

let target: Target;
let slowHead: Promise<string>;
let slowBody: Promise<string>;
beforeAll(async () => {
  target = await startTarget(['--receive-seconds=3']);
  slowHead = talk(target.server.ports.http, HEAD);
  slowBody = talk(target.server.ports.http, `${HEAD}\r\n`, '{"inputs"');
});
afterAll(() => target.stop());
afterEach(() => target.expectWell());

it('one address cannot keep others from the health of the server, nor by silence', async () => {
  const { metrics } = target.server.ports;
  const silent = Array.from({ length: 150 }, () =>
    connect(metrics, '127.0.0.1')
      .on('error', () => {})
      .resume(),
  );
  const ends = silent.map((socket) => once(socket, 'close'));
  await Promise.race(ends);
  const probe = connect({ port: metrics, host: '127.0.0.1', localAddress: '127.0.0.2' });
  probe.write('GET /v2/health/ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');

  expect(statusesIn(await text(probe))).toEqual([200]);
  expect(silent.some((socket) => !socket.destroyed)).toBe(true);
  await Promise.all(ends);
});

describe('what does not come is not waited for', () => {
  it('in the head of a request', async () => {
    expect(statusesIn(await slowHead)).toEqual([408]);
  });

  it('in its body', async () => {
    expect(statusesIn(await slowBody)).toEqual([408]);
  });
});
