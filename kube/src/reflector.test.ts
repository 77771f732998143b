import type { ServerResponse } from 'node:http';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { builtin, type ConfigMap } from './builtin-kinds.ts';
import { createKubeClient } from './client.ts';
import { realClock } from './clock.ts';
import { createReflector } from './reflector.ts';
import { type Change, createStore } from './store.ts';
import { configMap, createMemoryLog, eventually } from './testing/fixtures.ts';
import { type ReceivedRequest, sendJson, sendStatus, startScriptedServer } from './testing/scripted-server.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Answer = (response: ServerResponse, request: ReceivedRequest) => void;

const list =
  (version: string, ...items: ConfigMap[]): Answer =>
  (response) =>
    sendJson(response, 200, { metadata: { resourceVersion: version }, items });

/** Sends the events at once and leaves the watch open. */
const events =
  (...sent: readonly (readonly [string, object])[]): Answer =>
  (response) => {
    response.writeHead(200).flushHeaders();
    for (const [type, object] of sent) response.write(`${JSON.stringify({ type, object })}\n`);
  };

type Tell = (...sent: readonly (readonly [string, object])[]) => void;
const held: Tell[] = [];

/** Opens the watch and leaves to the test when it tells what. */
const hold: Answer = (response) => {
  response.writeHead(200).flushHeaders();
  held.push((...sent) => {
    for (const [type, object] of sent) response.write(`${JSON.stringify({ type, object })}\n`);
  });
};

const bookmark = (version: string) =>
  ['BOOKMARK', { kind: 'ConfigMap', metadata: { resourceVersion: version } }] as const;
const endOfList = (version: string) => {
  const metadata = { resourceVersion: version, annotations: { 'k8s.io/initial-events-end': 'true' } };
  return ['BOOKMARK', { kind: 'ConfigMap', metadata }] as const;
};
const refuse =
  (code: number, reason: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    sendStatus(response, code, reason, headers);
const reset: Answer = (response) => void response.socket?.resetAndDestroy();

const garbage: Answer = (response) => void response.writeHead(200).write('garbage\n');

/** Runs a reflector against a server that answers lists and watches by the scripts, in order; the last one repeats. */
async function reflect(
  lists: readonly Answer[],
  watches: readonly Answer[],
  options: {
    idleTimeoutMs?: number;
    initialLists?: 'pages' | 'stream';
    mayBeMissing?: boolean;
    handler?: (change: Change<ConfigMap>) => void;
  } = {},
) {
  let [listed, watched] = [0, 0];
  const server = await startScriptedServer((request, response) => {
    const isWatch = request.query.get('watch') === 'true';
    const answer = isWatch
      ? watches[Math.min(watched++, watches.length - 1)]
      : lists[Math.min(listed++, lists.length - 1)];
    answer?.(response, request);
  });
  const log = createMemoryLog();
  const registry = new Registry();
  const client = createKubeClient({
    kubeConfig: server.kubeConfig,
    userAgent: 't',
    registry,
    clock: realClock,
    log,
    requestTimeoutMs: 2000,
  });
  const store = createStore<ConfigMap>();
  const changes: string[] = [];
  const note = ({ old, new: now }: Change<ConfigMap>) =>
    changes.push(
      now === undefined
        ? `-${old?.metadata.uid}`
        : `${old === undefined ? '+' : '~'}${now.metadata.uid}@${now.metadata.resourceVersion}`,
    );
  const reflector = createReflector<ConfigMap>({
    client,
    kind: builtin.ConfigMap,
    store,
    handlers: new Set([...(options.handler === undefined ? [] : [options.handler]), note]),
    clock: realClock,
    random: () => 0,
    log,
    registry,
    backoff: { baseMs: 10, capMs: 40 },
    ...(options.initialLists === undefined ? {} : { initialLists: options.initialLists }),
    ...(options.mayBeMissing === undefined ? {} : { mayBeMissing: options.mayBeMissing }),
    ...(options.idleTimeoutMs === undefined ? {} : { idleTimeoutMs: options.idleTimeoutMs }),
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  cleanups.push(async () => {
    stop.abort();
    await running;
    await client.close();
    await server.close();
  });
  const watchedFrom = () =>
    server.received.filter(({ query }) => query.has('watch')).map(({ query }) => query.get('resourceVersion'));
  const names = () => store.list().map(({ metadata }) => metadata.name);
  return {
    reflector,
    store,
    changes,
    log,
    server,
    registry,
    watchedFrom,
    names,
    listCount: () => listed,
    running,
    stop,
  };
}

const a = (version: string, uid = 'a') => configMap('a', { uid, version });

describe('the reflector', () => {
  it('lists, watches from that version with bookmarks, and tells what changed', async () => {
    const { reflector, changes, server, names } = await reflect(
      [list('5', a('3'))],
      [events(['MODIFIED', a('6')], ['ADDED', configMap('b', { uid: 'b', version: '7' })], ['DELETED', a('8')])],
    );

    await eventually(() => changes.length === 4);

    expect(changes).toEqual(['+a@3', '~a@6', '+b@7', '-a']);
    expect(names()).toEqual(['b']);
    expect(reflector.hasSynced()).toBe(true);
    const watch = server.received.find(({ query }) => query.has('watch'));
    expect([watch?.query.get('resourceVersion'), watch?.query.get('allowWatchBookmarks')]).toEqual(['5', 'true']);
    expect(Number(watch?.query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
  });

  it('learns from the answers to our own writes before the watch tells, once', async () => {
    const { reflector, changes, store, server } = await reflect([list('5', a('3'))], [hold]);
    await eventually(() => server.received.some(({ query }) => query.has('watch')));

    reflector.learn(a('6'));
    reflector.learn(configMap('b', { uid: 'b', version: '7' }));
    expect(changes).toEqual(['+a@3', '~a@6', '+b@7']);

    held.splice(0).forEach((tellLate) => {
      tellLate(['MODIFIED', a('6')], ['ADDED', configMap('b', { uid: 'b', version: '7' })], ['DELETED', a('8')]);
    });
    await eventually(() => changes.length === 4);
    expect(changes.at(-1)).toBe('-a');

    reflector.learn(a('6')); // an answer that was long under way
    expect(store.get({ namespace: 'default', name: 'a' })).toBeUndefined();
  });

  it('keeps what it learns apart from what the writer has', async () => {
    const { reflector, store, server } = await reflect([list('5')], [hold]);
    await eventually(() => server.received.some(({ query }) => query.has('watch')));
    held.splice(0);
    const data = JSON.parse('{ "managedFields": "1", "__proto__": "2", "list": ["3"] }') as Record<string, string>;
    const answer = configMap('a', { version: '6', data });
    const before = JSON.stringify(answer.data);

    reflector.learn(answer);
    answer.data = { mine: 'now' };

    expect(JSON.stringify(store.get({ namespace: 'default', name: 'a' })?.data)).toBe(before);
    expect([Object.isFrozen(answer), Object.isFrozen(answer.metadata)]).toEqual([false, false]);
  });

  it('is not synced before its first list is in', async () => {
    const { reflector, log } = await reflect([refuse(403, 'Forbidden')], []);

    await eventually(() => log.lines.some(({ fields }) => 'failures' in fields));

    expect(reflector.hasSynced()).toBe(false);
  });

  it('has none of a kind that may be missing while it is, before it was installed and after it was removed', async () => {
    let isInstalled = false;
    const { reflector, changes, names } = await reflect(
      [(response, request) => (isInstalled ? list('5', a('3')) : refuse(404, 'NotFound'))(response, request)],
      [(response, request) => (isInstalled ? hold : refuse(404, 'NotFound'))(response, request)],
      { mayBeMissing: true },
    );
    await reflector.synced;
    expect(names()).toEqual([]);
    expect(reflector.lastContact()).toBeDefined();

    isInstalled = true;
    await eventually(() => changes.includes('+a@3'));
    isInstalled = false;
    held.splice(0).forEach((tell) => tell(['ERROR', { code: 410 }]));
    await eventually(() => changes.includes('-a'));

    expect(names()).toEqual([]);
    expect(reflector.trouble()).toContain('install their CustomResourceDefinition');
  });

  it('says why nothing comes until it does', async () => {
    let isInstalled = false;
    const { reflector } = await reflect(
      [(response, request) => (isInstalled ? list('5', a('3')) : refuse(404, 'NotFound'))(response, request)],
      [events()],
    );

    await eventually(() => reflector.trouble() !== undefined);
    expect(reflector.trouble()).toBe(
      'the API server has no configmaps of v1: install their CustomResourceDefinition, or this version of it',
    );
    isInstalled = true;
    await reflector.synced;
    expect(reflector.trouble()).toBeUndefined();
  });

  it.each<[string, Answer]>([
    ['a 500', refuse(500, 'InternalError')],
    ['a 429', refuse(429, 'TooManyRequests')],
    ['a reset', reset],
  ])('goes on after %s on list and on watch', async (_name, fault) => {
    const { changes } = await reflect([fault, fault, list('5', a('3'))], [fault, fault, events(['MODIFIED', a('6')])]);

    await eventually(() => changes.includes('~a@6'));

    expect(changes).toEqual(['+a@3', '~a@6']);
  });

  it('goes on from the last version, bookmarks included, when a watch is cut', async () => {
    const cut: Answer = (response, request) => {
      events(['MODIFIED', a('6')], bookmark('9'))(response, request);
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
    };
    const { changes, watchedFrom, listCount } = await reflect(
      [list('5', a('3'))],
      [cut, events(['MODIFIED', a('10')])],
    );

    await eventually(() => changes.includes('~a@10'));

    expect(watchedFrom()).toEqual(['5', '9']);
    expect(listCount()).toBe(1);
  });

  it.each<[string, Answer]>([
    ['over HTTP', refuse(410, 'Expired')],
    ['in the stream', events(['ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }])],
  ])('lists again after a 410 %s and makes up the deletions that it missed', async (_name, gone) => {
    const { changes } = await reflect(
      [list('5', a('3'), configMap('b', { uid: 'b' })), list('20', a('3'))],
      [gone, events()],
    );

    await eventually(() => changes.includes('-b'));

    expect(changes).toEqual(['+a@3', '+b@1', '-b']);
  });

  it('lists again after an ERROR in the stream and after a line that is no event', async () => {
    const { listCount, changes } = await reflect(
      [list('5', a('3')), list('6', a('3')), list('7', a('7'))],
      [events(['ERROR', { kind: 'Status', code: 500, message: 'etcd is down' }]), garbage, events()],
    );

    await eventually(() => changes.includes('~a@7'));

    expect(listCount()).toBe(3);
  });

  it('loses no event when a line is cut in half', async () => {
    const half: Answer = (response) => {
      const [whole, part] = [a('6'), a('7')].map((object) => `${JSON.stringify({ type: 'MODIFIED', object })}\n`);
      response.writeHead(200).write(whole);
      response.write(part?.slice(0, 20), () => response.end());
    };
    const { changes, watchedFrom } = await reflect([list('5', a('3'))], [half, events(['MODIFIED', a('7')])]);

    await eventually(() => changes.includes('~a@7'));

    expect(changes).toEqual(['+a@3', '~a@6', '~a@7']);
    expect(watchedFrom()).toEqual(['5', '6']);
  });

  it('opens a watch again that has gone silent without a word', async () => {
    const { changes, watchedFrom, registry } = await reflect(
      [list('5', a('3'))],
      [events(['MODIFIED', a('6')]), events(['MODIFIED', a('7')])],
      {
        idleTimeoutMs: 60,
      },
    );

    await eventually(() => changes.includes('~a@7'));

    expect(await registry.metrics()).toContain('reflector_failures_total{kind="configmaps",reason="WatchIdle"}');
    expect(watchedFrom().slice(0, 2)).toEqual(['5', '6']);
  });

  it('never goes back to an older version, whether a watch or a list brings it', async () => {
    const { store, changes, log } = await reflect(
      [list('20', a('12')), list('10', a('9')), list('30', a('12'), configMap('end', { uid: 'end' }))],
      [
        (response, request) => {
          events(['MODIFIED', a('13')], ['MODIFIED', a('11')], ['ERROR', { code: 410 }])(response, request);
        },
        events(),
      ],
    );

    await eventually(() => changes.includes('+end@1'));

    expect(changes).toEqual(['+a@12', '~a@13', '+end@1']);
    expect(store.get({ namespace: 'default', name: 'a' })?.metadata.resourceVersion).toBe('13');
    expect(log.lines.some(({ fields }) => (fields as { reason?: string }).reason === 'StaleList')).toBe(true);
  });

  it('believes the server when it stays behind for good, as after a restore of etcd', async () => {
    const { changes, log } = await reflect(
      [list('20', a('12')), list('10', a('9'))],
      [events(['ERROR', { code: 410 }]), events()],
    );

    await eventually(() => changes.includes('~a@9'));

    expect(log.lines.some(({ message }) => message.startsWith('the API server went back in time'))).toBe(true);
  });

  it('makes a deletion and a creation of what came back with another uid while it was not looking', async () => {
    const { changes } = await reflect(
      [list('5', a('3', 'first')), list('9', a('8', 'second'))],
      [refuse(410, 'Expired'), events()],
    );

    await eventually(() => changes.length === 3);

    expect(changes).toEqual(['+first@3', '-first', '+second@8']);
  });

  it('goes on when a handler throws, and still tells the others', async () => {
    const { changes, registry } = await reflect([list('5', a('3'))], [events(['MODIFIED', a('6')])], {
      handler() {
        throw new Error('a bug');
      },
    });

    await eventually(() => changes.includes('~a@6'));

    expect(await registry.metrics()).toContain('reflector_handler_errors_total{kind="configmaps"} 2');
  });

  it('waits as long as the server asks', async () => {
    const start = Date.now();
    const { reflector } = await reflect(
      [refuse(429, 'TooManyRequests', { 'retry-after': '1' }), list('5')],
      [events()],
    );

    await reflector.synced;

    expect(Date.now() - start).toBeGreaterThanOrEqual(990);
  });

  it('does not hammer a server that ends every watch at once', async () => {
    const { server } = await reflect([list('5')], [(response) => void response.writeHead(200).end()]);

    await new Promise((resolve) => setTimeout(resolve, 400));

    expect(server.received.length).toBeLessThan(40);
  });

  it('stops when it is told to, and asks for nothing after', async () => {
    const { running, stop, server, reflector } = await reflect([list('5')], [events()]);
    await reflector.synced;
    await eventually(() => server.received.length === 2);

    stop.abort();
    await running;
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(server.received).toHaveLength(2);
  });
});

describe('the reflector, when lists are streamed', () => {
  const stream = { initialLists: 'stream' } as const;
  const b = (version: string) => configMap('b', { uid: 'b', version });
  const added = (object: ConfigMap) => ['ADDED', object] as const;

  it('takes the objects up to the bookmark that ends them as one list, and goes on with the same stream', async () => {
    const { changes, reflector, server, listCount, names } = await reflect([], [hold], stream);
    await eventually(() => held.length > 0);
    const tell = held.splice(0)[0];

    tell?.(added(a('3')), added(b('4')), ['MODIFIED', a('6')], ['DELETED', b('7')], bookmark('7'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([reflector.hasSynced(), names()]).toEqual([false, []]);
    tell?.(endOfList('8'), ['MODIFIED', a('9')]);
    await eventually(() => changes.length === 2);

    expect(changes).toEqual(['+a@6', '~a@9']);
    expect([reflector.hasSynced(), listCount()]).toEqual([true, 0]);
    expect(server.received.map(({ query }) => Object.fromEntries(query))).toEqual([
      {
        watch: 'true',
        allowWatchBookmarks: 'true',
        sendInitialEvents: 'true',
        resourceVersionMatch: 'NotOlderThan',
        timeoutSeconds: '300',
      },
    ]);
  });

  it('goes on from where it was when the stream is cut after its list, and lists by a stream again after a 410', async () => {
    const cut: Answer = (response, request) => {
      events(added(a('3')), added(b('4')), endOfList('8'))(response, request);
      setTimeout(() => response.socket?.resetAndDestroy(), 20);
    };
    const { changes, watchedFrom, listCount } = await reflect(
      [],
      [cut, refuse(410, 'Expired'), events(added(a('3')), endOfList('20'))],
      stream,
    );

    await eventually(() => changes.includes('-b'));

    expect(changes).toEqual(['+a@3', '+b@4', '-b']);
    expect(watchedFrom()).toEqual([null, '8', null]);
    expect(listCount()).toBe(0);
  });

  it('keeps what was written after the version of the list, and never goes back', async () => {
    const { changes, reflector, store } = await reflect(
      [],
      [events(added(a('3')), endOfList('5'), ['ERROR', { code: 410 }]), hold],
      stream,
    );
    await eventually(() => held.length > 0);
    reflector.learn(b('30'));
    reflector.learn(a('31'));

    held.splice(0).forEach((tell) => tell(added(a('12')), endOfList('20'), ['DELETED', b('32')]));
    await eventually(() => changes.includes('-b'));

    expect(changes).toEqual(['+a@3', '+b@30', '~a@31', '-b']);
    expect(store.get({ namespace: 'default', name: 'a' })?.metadata.resourceVersion).toBe('31');
  });

  it.each([400, 422])('never asks again a server that answers %i, and lists in pages at once', async (code) => {
    const { changes, watchedFrom, listCount, log } = await reflect(
      [list('5', a('3')), list('9', a('8'))],
      [refuse(code, 'Invalid'), events(['ERROR', { code: 410 }]), events(['MODIFIED', a('10')])],
      stream,
    );

    await eventually(() => changes.includes('~a@10'));

    expect(changes).toEqual(['+a@3', '~a@8', '~a@10']);
    expect(watchedFrom()).toEqual([null, '5', '9']);
    expect(listCount()).toBe(2);
    expect(log.lines.filter(({ message }) => message.includes('streams no lists'))).toHaveLength(1);
  });

  it.each<[string, Answer]>([
    [
      'is cut',
      (response, request) => {
        events(added(a('3')))(response, request);
        setTimeout(() => response.socket?.resetAndDestroy(), 20);
      },
    ],
    ['ends', (response) => void response.writeHead(200).end(`${JSON.stringify({ type: 'ADDED', object: a('3') })}\n`)],
    ['brings an error', events(added(a('3')), ['ERROR', { code: 500 }])],
  ])('lists in pages when the stream %s before the end, and streams again the next time', async (_name, fault) => {
    const { changes, watchedFrom } = await reflect(
      [list('5', a('4'), b('2'))],
      [fault, refuse(410, 'Expired'), events(added(a('6')), endOfList('9'))],
      stream,
    );

    await eventually(() => changes.includes('~a@6'));

    expect(changes).toEqual(['+a@4', '+b@2', '-b', '~a@6']);
    expect(watchedFrom()).toEqual([null, '5', null]);
  });

  it('lists in pages where a server takes no notice and never ends the list', async () => {
    const { changes, watchedFrom } = await reflect(
      [list('5', a('4')), list('9', a('6'))],
      [events(added(a('4'))), events(['MODIFIED', a('6')], ['ERROR', { code: 410 }]), events()],
      { ...stream, idleTimeoutMs: 60 },
    );

    await eventually(() => changes.includes('~a@6') && watchedFrom().length > 2);

    expect(watchedFrom().slice(0, 3)).toEqual([null, '5', '9']);
  });
});
