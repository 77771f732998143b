/** Pods that die, hang, refuse or go slowly, and clients that do. */
import { Agent } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startModelPods } from './testing/model-pods.ts';
import type { ModelPods } from './testing/model-pods.ts';
import { startOddPod } from './testing/odd-pod.ts';
import { aBackend, aRoute } from './testing/routes.ts';
import { ask, FLIGHTS, freePorts, INFER, row, startGateway, eventually } from './testing/running-gateway.ts';
import type { RunningGateway } from './testing/running-gateway.ts';

let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await eventually(() => gateway.metric('requests_in_flight')).toBe(0);
});

afterAll(async () => {
  await gateway?.stop(0);
  expect(gateway.faults).toEqual([]);
});

const GRPC_ROW = { name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [2, 3] } };
const INFERENCE = { model_name: 'add', inputs: [GRPC_ROW] };

describe('model servers of ours', () => {
  let pods: ModelPods;

  beforeAll(async () => {
    pods = await startModelPods(21, 3);
  });

  afterAll(() => pods?.stop());

  it('one is killed under load that does not wait for answers: no unary request fails', async () => {
    gateway.table.set(aRoute([pods.backend('flights-1', 100)], { hosts: ['127.0.0.1'] }));
    const client = grpcClient(gateway.port);
    const failures: unknown[] = [];
    const pending: Promise<unknown>[] = [];
    const send = () => {
      const rest = ask({ port: gateway.port, path: INFER, body: row(2, 3) }).then(({ status, body }) => {
        if (status !== 200) failures.push([status, body]);
      });
      const call = client.call('ModelInfer', INFERENCE);
      pending.push(...[rest, call].map((each) => each.catch((cause: unknown) => failures.push(cause))));
    };
    for (let turn = 0; turn < 120; turn += 1) {
      send();
      if (turn === 40) pods.servers[0]?.process.kill('SIGKILL');
      await sleep(20);
    }
    await Promise.all(pending);
    client.close();

    expect(failures).toEqual([]);
    expect(pending).toHaveLength(240);
    expect(await gateway.metric('ejections_total')).toBeGreaterThan(0);
  });

  it('one hangs, and its requests go elsewhere as soon as it is said not to be ready; where there is no other they wait for it', async () => {
    const [first = '', hanging = ''] = pods.addresses.slice(1);
    const backend = pods.backend('flights-1', 100);
    backend.pool.update([first, hanging]);
    gateway.table.set(aRoute([backend], { hosts: ['127.0.0.1'] }));
    const client = grpcClient(gateway.port);
    const both = () => [
      ask({ port: gateway.port, path: INFER, body: row(2, 3) }),
      client.call('ModelInfer', INFERENCE),
    ];
    const frozen = pods.servers[2]?.process;
    frozen?.kill('SIGSTOP');
    try {
      const pending = [0, 1, 2, 3].flatMap(both);
      await eventually(() => backend.pool.endpoints[1]?.unanswered.size ?? 0).toBeGreaterThan(0);
      backend.pool.update([first], [hanging]);
      await Promise.all(pending);

      backend.pool.update([hanging]);
      const waiting = Promise.all(both());
      await eventually(() => backend.pool.endpoints[0]?.unanswered.size ?? 0).toBe(2);
      backend.pool.update([], [hanging]);
      frozen?.kill('SIGCONT');
      await waiting;
    } finally {
      frozen?.kill('SIGCONT');
      client.close();
    }
  });

  it('a stream on one that is killed ends UNAVAILABLE', async () => {
    const [, address = ''] = pods.addresses;
    const backend = pods.backend('flights-1', 100);
    backend.pool.update([address]);
    gateway.table.set(aRoute([backend], { hosts: ['127.0.0.1'] }));
    const client = grpcClient(gateway.port);
    const stream = client.stream('ModelStreamInfer');
    stream.send(INFERENCE);
    await stream.next();

    pods.servers[1]?.process.kill('SIGKILL');

    await expect(stream.next()).rejects.toMatchObject({ code: 14 });
    client.close();
  });
});

describe('a pod that cannot be reached', () => {
  it('is passed over, also by what may not be asked twice', async () => {
    const [port = 0] = await freePorts(1);
    const well = await startOddPod((_, response) => response.end('well'), '127.0.31.1', port);
    const backend = aBackend('flights-1', 100, { at: ['127.0.31.1', '127.0.31.2'], httpPort: port });
    gateway.table.set(aRoute([backend]));

    for (let turn = 0; turn < 20; turn += 1) {
      const { status, body } = await ask({ port: gateway.port, path: '/count', body: 'one' });
      expect([status, body]).toEqual([200, 'well']);
    }

    expect(well.seen).toHaveLength(20);
    expect(well.seen.every(({ body }) => body() === 'one')).toBe(true);
    await well.stop();
  });

  it('and no other: 503 that says when to come again', async () => {
    const [port = 0] = await freePorts(1);
    gateway.table.set(aRoute([aBackend('flights-1', 100, { at: ['127.0.0.1'], httpPort: port })]));

    const answer = await ask({ port: gateway.port, path: INFER, body: row(2, 3) });

    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(JSON.parse(answer.body)).toEqual({ error: 'no server could be reached; try again later' });
  });

  it('a service without pods: 503 in words', async () => {
    gateway.table.set(aRoute([aBackend('flights-1', 100, { at: [] })]));

    const answer = await ask({ port: gateway.port, path: INFER, body: row(2, 3) });

    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(answer.body).toContain('has no pod that is ready');
  });
});

describe('a pod that fails', () => {
  it('says 503: another gets the request, and the client its answer', async () => {
    const [port = 0] = await freePorts(1);
    const busy = await startOddPod((_, response) => response.writeHead(503).end('busy'), '127.0.32.1', port);
    const well = await startOddPod((_, response) => response.end('well'), '127.0.32.2', port);
    gateway.table.set(aRoute([aBackend('flights-1', 100, { at: ['127.0.32.1', '127.0.32.2'], httpPort: port })]));

    const bodies: string[] = [];
    for (let turn = 0; turn < 20; turn += 1)
      bodies.push((await ask({ port: gateway.port, path: '/x', body: 'b' })).body);

    expect(new Set(bodies)).toEqual(new Set(['well']));
    await busy.stop();
    await well.stop();
  });

  it('says 503 and is the only one: the client hears its words', async () => {
    const busy = await startOddPod((_, response) => response.writeHead(503).end('busy'));
    gateway.table.set(aRoute([busy.backend('flights-1', 100)]));

    const answer = await ask({ port: gateway.port, path: '/x' });

    expect([answer.status, answer.body]).toEqual([503, 'busy']);
    await busy.stop();
  });

  it('breaks the connection: an inference goes elsewhere, and what may have done something does not', async () => {
    const [port = 0] = await freePorts(1);
    const breaking = await startOddPod(({ socket }) => socket.destroy(), '127.0.33.1', port);
    const well = await startOddPod((_, response) => response.end('well'), '127.0.33.2', port);
    const backend = aBackend('flights-1', 100, { at: ['127.0.33.1'], httpPort: port });
    gateway.table.set(aRoute([backend]));

    const once = await ask({ port: gateway.port, path: '/count', body: 'one' });
    backend.pool.update(['127.0.33.1', '127.0.33.2']);
    const inferences = [];
    for (let turn = 0; turn < 10; turn += 1)
      inferences.push((await ask({ port: gateway.port, path: INFER, body: row(2, 3) })).body);

    expect(once.status).toBe(502);
    expect(breaking.seen.filter(({ path }) => path === '/count')).toHaveLength(1);
    expect(new Set(inferences)).toEqual(new Set(['well']));
    await breaking.stop();
    await well.stop();
  });

  it('is killed and breaks each connection for a moment: the only one there is, is asked again after that', async () => {
    let diedAt: number | undefined;
    const dying = await startOddPod(({ socket }, response) => {
      diedAt ??= performance.now();
      if (performance.now() - diedAt < 50) socket.destroy();
      else response.end('well');
    });
    gateway.table.set(aRoute([dying.backend('flights-1', 100)], { hosts: ['127.0.0.1'] }));

    expect((await ask({ port: gateway.port, path: INFER, body: row(1, 2) })).status).toBe(200);
    expect(dying.seen).toHaveLength(2);
    await dying.stop();
  });

  it('has died, and all kept connections to it with it: the request is repeated over a new one', async () => {
    const used = new Set<object>();
    const again = await startOddPod(({ socket }, response) => {
      if (used.has(socket)) socket.destroy();
      else setTimeout(() => response.end('well'), 50);
      used.add(socket);
    });
    gateway.table.set(aRoute([again.backend('flights-1', 100)], { hosts: ['127.0.0.1'] }));
    const asked = () => ask({ port: gateway.port, path: INFER, body: row(1, 2) });
    await Promise.all([asked(), asked(), asked()]);

    expect((await asked()).status).toBe(200);
    await again.stop();
  });

  it('breaks off within its answer: the client sees that there should have been more', async () => {
    const half = await startOddPod((request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half', () => request.socket.destroy());
    });
    gateway.table.set(aRoute([half.backend('flights-1', 100)]));

    await expect(ask({ port: gateway.port, path: '/x' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    await half.stop();
  });

  it('does not answer: 504 after the time of the route', async () => {
    const hanging = await startOddPod(() => {});
    gateway.table.set(aRoute([hanging.backend('flights-1', 100)], { timeoutMs: 200 }));

    const answer = await ask({ port: gateway.port, path: INFER, body: row(2, 3) });

    expect(answer.status).toBe(504);
    expect(answer.body).toMatch(/there was no answer within \d+ ms/);
    await hanging.stop();
  });

  it('speaks something else: 502, and not a word of it', async () => {
    const odd = await startOddPod(({ socket }) => socket.end('SSH-2.0-OpenSSH\r\n'));
    gateway.table.set(aRoute([odd.backend('flights-1', 100)]));

    const answer = await ask({ port: gateway.port, path: '/x', body: 'b' });

    expect(answer.status).toBe(502);
    expect(answer.body).not.toContain('SSH');
    await odd.stop();
  });
});

describe('gRPC', () => {
  it('an expired deadline is DEADLINE_EXCEEDED, also where the server hangs', async () => {
    // It takes connections and never says a word.
    const hanging = createServer();
    const port = await new Promise<number>((resolve) =>
      hanging.listen(0, '127.0.0.1', () => resolve((hanging.address() as AddressInfo).port)),
    );
    gateway.table.set(
      aRoute([aBackend('flights-1', 100, { at: ['127.0.0.1'], grpcPort: port })], { hosts: ['127.0.0.1'] }),
    );
    const client = grpcClient(gateway.port);

    await expect(client.call('ModelInfer', INFERENCE, { timeoutMs: 300 })).rejects.toMatchObject({ code: 4 });
    client.close();
    hanging.close();
  });

  it('a server that cannot be reached is UNAVAILABLE', async () => {
    const [port = 0] = await freePorts(1);
    const gone = aBackend('flights-1', 100, { at: ['127.0.0.1'], grpcPort: port });
    gateway.table.set(aRoute([gone], { hosts: ['127.0.0.1'] }));
    const client = grpcClient(gateway.port);

    await expect(client.call('ModelInfer', INFERENCE)).rejects.toMatchObject({
      code: 14,
      details: 'no server could be reached; try again later',
    });
    client.close();
  });
});

describe('a client', () => {
  it('that goes takes its request with it', async () => {
    let gone = 0;
    const hanging = await startOddPod((request) => request.socket.once('close', () => (gone += 1)));
    gateway.table.set(aRoute([hanging.backend('flights-1', 100)]));
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(`POST ${INFER} HTTP/1.1\r\nHost: ${FLIGHTS}\r\nContent-Length: 2\r\n\r\n{}`);
    await eventually(() => hanging.seen.length).toBe(1);

    socket.destroy();

    await eventually(() => gone).toBe(1);
    await eventually(() => gateway.metric('requests_total', { code: '499' })).toBe(1);
    await hanging.stop();
  });

  it('that does not read holds the server back, and not the gateway its memory', async () => {
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    const endless = await startOddPod((_, response) => {
      const write = () => {
        while (response.write(chunk)) sent += chunk.length;
        sent += chunk.length;
      };
      response.on('drain', write);
      write();
    });
    gateway.table.set(aRoute([endless.backend('flights-1', 100)]));
    const socket = connect(gateway.port, '127.0.0.1');
    socket.pause();
    socket.write(`GET /endless HTTP/1.1\r\nHost: ${FLIGHTS}\r\n\r\n`);
    let before = -1;
    while (sent === 0 || sent > before) {
      before = sent;
      await sleep(500);
    }

    // What the buffers of three sockets hold.
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
    await endless.stop();
  });

  it('that sends more than a server takes is held back', async () => {
    const slow = await startOddPod((request) => request.pause());
    gateway.table.set(aRoute([slow.backend('flights-1', 100)]));
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(`POST /x HTTP/1.1\r\nHost: ${FLIGHTS}\r\nContent-Length: 1000000000\r\n\r\n`);
    const chunk = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const send = () => {
      while (sent < 256 * chunk.length && socket.write(chunk)) sent += chunk.length;
      sent += chunk.length;
    };
    socket.on('drain', send);
    send();
    let before = -1;
    while (sent > before) {
      before = sent;
      await sleep(500);
    }

    expect(sent).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
    await slow.stop();
  });
});

it('a gateway that is about to end has its clients leave by themselves, and goes on taking requests', async () => {
  const ending = await startGateway();
  const pod = await startOddPod((_, response) => response.end('well'));
  ending.table.set(aRoute([aBackend('flights-1', 100, { at: ['127.0.0.1'], httpPort: pod.port })]));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const again = () => ask({ port: ending.port, path: '/', agent });
  const connections = async () => [(await again()).headers.connection, (await again()).headers.connection];

  expect(await connections()).toEqual(['keep-alive', 'keep-alive']);
  ending.turnAway();
  expect(await connections()).toEqual(['close', 'close']);

  await ending.stop(0);
  await expect(again()).rejects.toThrow('ECONNREFUSED');
  await pod.stop();
});
