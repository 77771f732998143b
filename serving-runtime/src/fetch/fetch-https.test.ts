/** Against a server that does everything wrong that servers do. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fetchModel } from './fetch-model.ts';
import {
  context,
  digestOfFiles,
  filesIn,
  folders,
  LIMITS,
  request,
  sendFile,
  serve,
  sha256,
  webSource,
} from './testing/fixture.ts';

const TEXT = 'weights '.repeat(50_000);
const MODEL = { text: TEXT, etag: '"one"' };

/** Sends headers and the first half, and cuts the connection. */
function sendHalf(to: ServerResponse, { text, etag }: { text: string; etag?: string }): void {
  to.writeHead(200, { 'content-length': text.length, ...(etag === undefined ? {} : { etag }) });
  to.write(text.slice(0, text.length / 2), () => setImmediate(() => to.destroy()));
}

it('brings a file, verified by digest and by checksum, and leaves nothing beside it', async () => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();
  const expected = digestOfFiles({ 'model.onnx': TEXT });
  const source = webSource(`${server.url}/model.onnx?token=secret`);

  const fetched = await fetchModel(
    request(source, at.destination, { digest: expected, sha256: sha256(TEXT) }),
    context(),
  );

  expect(fetched).toEqual({ digest: expected, files: 1, bytes: TEXT.length, from: 'source' });
  expect(filesIn(at.root)).toEqual({ 'models/fare/1/model.onnx': TEXT });
});

it('goes on where a connection was cut, with the bytes of the same version', async () => {
  let cuts = 0;
  await using server = await serve((ask, to) => (cuts++ === 0 ? sendHalf(to, MODEL) : sendFile(MODEL, ask, to)));
  using at = folders();

  await fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), context());

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': TEXT });
  expect(server.asked[1]?.headers['if-range']).toBe('"one"');
  expect(server.asked[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
});

it('goes on where an earlier process ended', async () => {
  let broken = true;
  await using server = await serve((ask, to) => (broken ? sendHalf(to, MODEL) : sendFile(MODEL, ask, to)));
  using at = folders();
  const source = () => webSource(`${server.url}/model.onnx`);
  await expect(fetchModel(request(source(), at.destination, { retries: 0 }), context())).rejects.toThrow(
    /of 400000 bytes|cannot be reached/,
  );
  expect(existsSync(at.destination)).toBe(false);
  broken = false;

  await fetchModel(request(source(), at.destination), context());

  expect(filesIn(at.root)).toEqual({ 'models/fare/1/model.onnx': TEXT });
  expect(server.asked.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
});

it('begins again when the file has changed in between', async () => {
  const next = { text: 'other '.repeat(60_000), etag: '"two"' };
  let cuts = 0;
  await using server = await serve((ask, to) => (cuts++ === 0 ? sendHalf(to, MODEL) : sendFile(next, ask, to)));
  using at = folders();

  const digest = digestOfFiles({ 'model.onnx': next.text });

  await fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination, { digest }), context());

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': next.text });
});

it('mixes no versions when a server sends the rest of another file', async () => {
  let cuts = 0;
  await using server = await serve((ask, to) => {
    if (cuts++ === 0) return sendHalf(to, MODEL);
    if (ask.headers.range === undefined) return sendFile({ text: TEXT, etag: '"two"' }, ask, to);
    const from = Number(ask.headers.range.slice('bytes='.length, -1));
    const range = `bytes ${from}-${TEXT.length - 1}/${TEXT.length}`;
    to.writeHead(206, { 'content-range': range, etag: '"two"' }).end('x'.repeat(TEXT.length - from));
  });
  using at = folders();
  const watched = context();

  await fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), watched);

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': TEXT });
  expect(watched.messages).toContain('beginning again');
});

it('begins again at a server that names no version', async () => {
  const plain = { text: TEXT };
  let cuts = 0;
  await using server = await serve((ask, to) => (cuts++ === 0 ? sendHalf(to, plain) : sendFile(plain, ask, to)));
  using at = folders();

  await fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), context());

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': TEXT });
  expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
});

it.each([429, 500, 503])('tries again after status %i', async (status) => {
  let refusals = 0;
  await using server = await serve((ask, to) =>
    refusals++ < 2 ? to.writeHead(status, { 'retry-after': '0' }).end() : sendFile(MODEL, ask, to),
  );
  using at = folders();
  const watched = context();

  await fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), watched);

  expect(watched.messages).toEqual(['trying again', 'trying again']);
});

it('gives up a source that never recovers', async () => {
  await using server = await serve((_ask, to) => to.writeHead(503).end());
  using at = folders();

  const source = webSource(`${server.url}/model.onnx`);
  await expect(fetchModel(request(source, at.destination, { retries: 1 }), context())).rejects.toMatchObject({
    reason: 'SourceUnreachable',
    again: true,
    message: expect.stringContaining('status 503'),
  });
  expect(server.asked.length).toBe(2);
});

it.each([
  ['before it answers', () => {}],
  [
    'in the middle of a file',
    (to: ServerResponse) => to.writeHead(200, { 'content-length': 100, etag: '"one"' }).write('some'),
  ],
])('gives up a connection that falls silent %s', async (_when, begin) => {
  await using server = await serve((_ask, to) => void begin(to));
  using at = folders();

  const source = webSource(`${server.url}/model.onnx`, { timeoutMs: 500 });
  await expect(fetchModel(request(source, at.destination, { retries: 0 }), context())).rejects.toMatchObject({
    reason: 'SourceUnreachable',
    message: expect.stringContaining('no byte for 0.5 s'),
  });
});

it.each([
  [401, 'AccessDenied'],
  [403, 'AccessDenied'],
  [404, 'FileNotFound'],
  [400, 'SourceRefused'],
])('does not repeat what was answered with %i', async (status, reason) => {
  await using server = await serve((_ask, to) => to.writeHead(status).end('<html>secret</html>'));
  using at = folders();
  const source = webSource(`${server.url}/model.onnx?X-Amz-Signature=secret`);

  const failure = await fetchModel(request(source, at.destination), context()).catch(
    (cause: unknown) => cause as Error,
  );

  expect(failure).toMatchObject({ reason, again: false });
  expect((failure as Error).message).not.toContain('secret');
  expect(server.asked.length).toBe(1);
});

it('takes no other bytes than those that were named', async () => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();
  const source = () => webSource(`${server.url}/model.onnx`);
  const wrong = '0'.repeat(64);

  const byDigest = fetchModel(request(source(), at.destination, { digest: `sha256:${wrong}` }), context());
  await expect(byDigest).rejects.toMatchObject({ reason: 'DigestMismatch' });
  const bySum = fetchModel(request(source(), at.destination, { sha256: wrong }), context());
  await expect(bySum).rejects.toMatchObject({ reason: 'DigestMismatch' });
  expect(existsSync(at.destination)).toBe(false);
});

it('takes no more bytes than the limit, whatever length is claimed', async () => {
  await using endless = await serve((_ask, to) => {
    to.writeHead(200, { etag: '"one"' });
    const more = () => {
      while (!to.destroyed && to.write('x'.repeat(10_000)));
    };
    to.on('drain', more);
    more();
  });
  await using claiming = await serve((_ask, to) => {
    to.writeHead(200, { 'content-length': 100_001 });
    to.write('and no more comes');
  });
  using at = folders();
  const limits = { ...LIMITS, maxBytes: 100_000 };

  for (const { url } of [endless, claiming]) {
    const fetching = fetchModel(request(webSource(`${url}/model.onnx`), at.destination, { limits }), context());
    await expect(fetching).rejects.toMatchObject({ reason: 'TooLarge' });
  }
});

it.each([
  ['another part of the file', { 'content-range': 'bytes 5-10/400000' }, 'SourceRefused'],
  ['a range that is none', { 'content-range': 'bytes */400000' }, 'SourceRefused'],
])('refuses %s', async (_what, headers, reason) => {
  let cuts = 0;
  await using server = await serve((_ask, to) =>
    cuts++ === 0 ? sendHalf(to, MODEL) : to.writeHead(206, { etag: '"one"', ...headers }).end('oddone'),
  );
  using at = folders();

  const fetching = fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), context());
  await expect(fetching).rejects.toMatchObject({ reason });
});

it('refuses bytes that were packed on the way, whose offsets are others', async () => {
  await using server = await serve((_ask, to) => to.writeHead(200, { 'content-encoding': 'gzip' }).end('x'));
  using at = folders();

  const fetching = fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), context());
  await expect(fetching).rejects.toMatchObject({ reason: 'SourceRefused' });
  expect(server.asked[0]?.headers['accept-encoding']).toBe('identity');
});

it('follows redirects, and gives no credentials to another host', async () => {
  await using other = await serve((ask, to) => sendFile(MODEL, ask, to));
  await using first = await serve((ask, to) => {
    const location = ask.url === '/model.onnx' ? '/moved/model.onnx' : `${other.url}/model.onnx`;
    to.writeHead(302, { location }).end();
  });
  using at = folders();

  await fetchModel(
    request(webSource(`${first.url}/model.onnx`, { authorization: 'Bearer secret' }), at.destination),
    context(),
  );

  expect(first.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret']);
  expect(other.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
});

it.each([
  ['https://127.0.0.1:1/model.onnx'],
  ['file:///etc/passwd'],
  ['ftp://127.0.0.1/model.onnx'],
  ['http://user:secret@127.0.0.1:1/model.onnx'],
  [undefined],
])('follows no redirect to %s', async (location) => {
  await using server = await serve((_ask, to) => to.writeHead(302, location === undefined ? {} : { location }).end());
  using at = folders();

  const fetching = fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), context());
  await expect(fetching).rejects.toMatchObject({ reason: 'RedirectRefused' });
});

it('follows no endless redirects', async () => {
  await using server = await serve((ask: IncomingMessage, to) => to.writeHead(302, { location: `${ask.url}x` }).end());
  using at = folders();

  const fetching = fetchModel(request(webSource(`${server.url}/model.onnx`), at.destination), context());
  await expect(fetching).rejects.toMatchObject({ reason: 'RedirectRefused' });
  expect(server.asked.length).toBe(6);
});

it('leaves what somebody else put at the destination, unless it may go', async () => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();
  mkdirSync(at.destination, { recursive: true });
  writeFileSync(join(at.destination, 'other'), 'of somebody');
  const source = () => webSource(`${server.url}/model.onnx`);

  const refused = fetchModel(request(source(), at.destination), context());
  await expect(refused).rejects.toMatchObject({ reason: 'DestinationNotEmpty' });
  const asked = server.asked.length;
  const digest = `sha256:${'0'.repeat(64)}`;
  const named = fetchModel(request(source(), at.destination, { digest }), context());
  await expect(named).rejects.toMatchObject({ reason: 'DestinationNotEmpty' });
  expect(server.asked.length).toBe(asked);
  expect(filesIn(at.destination)).toEqual({ other: 'of somebody' });
  await fetchModel(request(source(), at.destination, { replace: true }), context());
  expect(filesIn(at.root)).toEqual({ 'models/fare/1/model.onnx': TEXT });
});

it('is done at once when the destination has the digest, as after a restart of the pod', async () => {
  await using server = await serve((ask, to) => sendFile(MODEL, ask, to));
  using at = folders();
  const digest = digestOfFiles({ 'model.onnx': TEXT });
  const wanted = () => request(webSource(`${server.url}/model.onnx`), at.destination, { digest });
  await fetchModel(wanted(), context());

  expect(await fetchModel(wanted(), context())).toMatchObject({ from: 'destination', digest });
  expect(server.asked.length).toBe(1);
});
