/** Clients that want two servers to read one message in two ways, or to have the gateway hold or do too much. */
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { statusesIn, talk } from '@slipway/serving-runtime/testing/raw-http1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOddPod } from './testing/odd-pod.ts';
import type { OddPod } from './testing/odd-pod.ts';
import { aRoute } from './testing/routes.ts';
import { ask, FLIGHTS, startGateway, eventually } from './testing/running-gateway.ts';
import type { RunningGateway } from './testing/running-gateway.ts';

let pod: OddPod;
let gateway: RunningGateway;

beforeAll(async () => {
  pod = await startOddPod((request, response) => {
    request.resume();
    request.on('end', () => response.end('well'));
  });
  gateway = await startGateway();
  gateway.table.set(aRoute([pod.backend('flights-1', 100)]));
});

afterAll(async () => {
  await gateway?.stop(0);
  await pod?.stop();
  expect(gateway.faults).toEqual([]);
});

const HOST = `Host: ${FLIGHTS}\r\n`;

describe('HTTP/1.1 that could be read in two ways', () => {
  const cases: Readonly<Record<string, string>> = {
    'a length and chunks': `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'two lengths': `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    'a length with a sign': `POST / HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\nhello`,
    'a length in a list': `POST / HTTP/1.1\r\n${HOST}Content-Length: 5, 5\r\n\r\nhello`,
    'chunks that are not the last coding': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    'a coding that is nearly chunked': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    'a blank before the colon': `POST / HTTP/1.1\r\n${HOST}Content-Length : 5\r\n\r\nhello`,
    'a NUL in a header': `GET / HTTP/1.1\r\n${HOST}X-A: a\0b\r\n\r\n`,
    'a size of a chunk that overflows': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
    'a chunk that is longer than it says': `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`,
    'a bare carriage return': `GET / HTTP/1.1\r\n${HOST}X-A: b\rX-B: c\r\n\r\n`,
  };

  it.each(Object.entries(cases))(
    '%s: refused, and nothing of it reaches a server as a request of its own',
    async (_, bytes) => {
      const before = pod.seen.length;
      const smuggled = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

      const answer = await talk(gateway.port, bytes + smuggled);

      expect(statusesIn(answer)[0]).toBe(400);
      const paths = pod.seen.slice(before).map(({ path }) => path);
      expect(paths).not.toContain('/smuggled');
    },
  );

  const hosts: Readonly<Record<string, string>> = {
    'two hosts': `GET / HTTP/1.1\r\n${HOST}Host: other.team-a.svc\r\n\r\n`,
    'the same host twice': `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
    'no host': 'GET / HTTP/1.1\r\n\r\n',
  };

  it.each(Object.entries(hosts))('%s: refused', async (_, bytes) => {
    expect(statusesIn(await talk(gateway.port, bytes))).toEqual([400]);
  });

  it('a header over two lines is one to the server, too', async () => {
    await talk(
      gateway.port,
      `GET /folded HTTP/1.1\r\n${HOST}Connection: close\r\nX-A: b\r\n Content-Length: 5\r\n\r\n`,
    );

    const seen = pod.seen.filter(({ path }) => path === '/folded');
    const names = seen.flatMap(({ rawHeaders }) => rawHeaders.filter((__, index) => index % 2 === 0));
    expect(names.map((name) => name.toLowerCase())).not.toContain('content-length');
  });

  it('an offer of h2c is not taken: what follows would pass by unseen', async () => {
    const offer = 'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';

    const answer = await talk(gateway.port, `GET /h2c HTTP/1.1\r\n${HOST}${offer}\r\n`);

    expect(statusesIn(answer)).toEqual([200]);
    const { rawHeaders } = pod.seen.findLast(({ path }) => path === '/h2c') ?? { rawHeaders: [] };
    expect(rawHeaders.map((text) => text.toLowerCase())).not.toEqual(expect.arrayContaining(['upgrade']));
    expect(rawHeaders.map((text) => text.toLowerCase())).not.toEqual(expect.arrayContaining(['http2-settings']));
  });

  it('what speaks of one connection is not handed on, nor what a client says in our name', async () => {
    const headers = [
      'Connection: close, X-Private',
      'X-Private: 1',
      'Keep-Alive: timeout=9',
      'TE: gzip',
      'Proxy-Authorization: secret',
      'X-Slipway-Mirrored: 1',
      'X-Request-Id: a b',
    ];

    await talk(gateway.port, `GET /hop HTTP/1.1\r\n${HOST}${headers.join('\r\n')}\r\n\r\n`);

    const { rawHeaders } = pod.seen.findLast(({ path }) => path === '/hop') ?? { rawHeaders: [] };
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(names.toSorted()).toEqual(['host', 'via', 'x-request-id']);
    expect(rawHeaders).not.toContain('a b');
  });

  it('Connection cannot take away what frames or proves a request', async () => {
    const headers =
      'Connection: close, Content-Length, Authorization\r\nAuthorization: Bearer a\r\nContent-Length: 5\r\n';

    await talk(gateway.port, `POST /named HTTP/1.1\r\n${HOST}${headers}\r\nhello`);

    const { rawHeaders, body } = pod.seen.findLast(({ path }) => path === '/named') ?? {
      rawHeaders: [],
      body: () => '',
    };
    expect(body()).toBe('hello');
    expect(rawHeaders).toEqual(expect.arrayContaining(['Bearer a', '5']));
  });

  it('a target in absolute form goes by the host that it names', async () => {
    const target = `http://${FLIGHTS}/absolute?a=1`;

    const answer = await talk(
      gateway.port,
      `GET ${target} HTTP/1.1\r\nHost: other.team-a.svc\r\nConnection: close\r\n\r\n`,
    );

    expect(statusesIn(answer)).toEqual([200]);
    const seen = pod.seen.findLast(({ path }) => path === '/absolute?a=1');
    expect(seen?.rawHeaders).toEqual(expect.arrayContaining(['host', FLIGHTS]));
  });

  it('headers without end are refused, and connections that say nothing are closed', async () => {
    const answer = await talk(gateway.port, `GET / HTTP/1.1\r\n${HOST}X-A: ${'a'.repeat(20_000)}\r\n\r\n`);

    expect(statusesIn(answer)).toEqual([431]);
  });

  it('CONNECT and what is no HTTP are closed', async () => {
    expect(await talk(gateway.port, `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`)).toBe('');
    expect(statusesIn(await talk(gateway.port, 'hello\r\n\r\n'))).toEqual([400]);
  });
});

describe('a request over HTTP/2 that HTTP/1.1 would read as two', () => {
  const over = (headers: Record<string, string>) =>
    new Promise<unknown>((resolve) => {
      const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
      const stream = session.request({ ':method': 'GET', ':path': '/', ':authority': FLIGHTS, ...headers });
      stream.on('response', (answered) => resolve(answered[':status']));
      stream.on('error', () => {});
      stream.on('close', () => {
        resolve(`reset ${stream.rstCode}`);
        session.destroy();
      });
      stream.end();
    });

  it.each([
    ['a blank in the path', { ':path': '/a HTTP/1.1' }],
    ['a path that is none', { ':path': 'http://other/' }],
    ['a blank in the method', { ':method': 'GET /smuggled' }],
    ['another Host', { host: 'other.team-a.svc' }],
    ['a control character in a header', { 'x-a': 'a\u0001b' }],
  ])('%s: refused', async (_, headers) => {
    const before = pod.seen.length;

    // Node's client refuses to send some of them.
    const answer = await over(headers).catch(() => 400);

    expect([400, 'reset 1']).toContain(answer);
    expect(pod.seen).toHaveLength(before);
  });
});

it('a request that came from a gateway goes in a circle', async () => {
  const answer = await ask({ port: gateway.port, path: '/', headers: { via: '1.1 slipway-gateway' } });

  expect(answer.status).toBe(508);
});

it('connections beyond the limit of an address are closed, and those that are there go on', async () => {
  const small = await startGateway({ connections: { total: 100, perAddress: 5 } });
  small.table.set(aRoute([pod.backend('flights-1', 100)]));
  const idle = Array.from({ length: 5 }, () => connect(small.port, '127.0.0.1'));
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));

  await expect(ask({ port: small.port, path: '/', agent: false })).rejects.toMatchObject({ code: 'ECONNRESET' });
  idle.forEach((socket) => socket.destroy());
  await eventually(() =>
    ask({ port: small.port, path: '/', agent: false }).then(
      ({ status }) => status,
      () => 0,
    ),
  ).toBe(200);
  await small.stop(0);
});

describe('an end', () => {
  it('lets what was asked be answered, and takes nothing new', async () => {
    let answer = () => {};
    const slow = await startOddPod((_, response) => (answer = () => void response.end('late')));
    const ending = await startGateway();
    ending.table.set(aRoute([slow.backend('flights-1', 100)]));
    const asked = ask({ port: ending.port, path: '/', agent: false });
    await eventually(() => slow.seen.length).toBe(1);

    const stopped = ending.stop(10_000);
    await expect(ask({ port: ending.port, path: '/', agent: false })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    answer();

    expect(await asked).toMatchObject({ status: 200, body: 'late', headers: { connection: 'close' } });
    await stopped;
    await slow.stop();
  });

  it('breaks off what takes longer than the grace', async () => {
    const hanging = await startOddPod(() => {});
    const ending = await startGateway();
    ending.table.set(aRoute([hanging.backend('flights-1', 100)]));
    const asked = ask({ port: ending.port, path: '/', agent: false });
    const failed = expect(asked).rejects.toMatchObject({ code: 'ECONNRESET' });
    await eventually(() => hanging.seen.length).toBe(1);

    await ending.stop(50);

    await failed;
    await hanging.stop();
  });
});
