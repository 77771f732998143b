/** What a real S3 answers and MinIO does not, by a scripted server; test/conformance has the real MinIO. */
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fetchModel } from './fetch-model.ts';
import { s3Source } from './sources/s3.ts';
import { context, filesIn, folders, request, serve, TIMEOUT_MS } from './testing/fixture.ts';
import type { TestServer } from './testing/fixture.ts';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => vi.unstubAllEnvs());

function source({ url }: TestServer, timeoutMs = TIMEOUT_MS) {
  return s3Source('models', 'fare/model.onnx', { timeoutMs, concurrency: 4, env: { AWS_ENDPOINT_URL: url } });
}

function sendError(to: ServerResponse, status: number, code: string, headers = {}): void {
  const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>of the server</Message></Error>`;
  to.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(xml);
}

function sendHead(to: ServerResponse, length = 7): void {
  to.writeHead(200, { 'content-length': length, etag: '"one"' }).end();
}

it.each([
  // The answers to a HEAD have no body, so the code comes with the list.
  [400, 'ExpiredToken', 'AccessDenied'],
  [403, 'AccessDenied', 'AccessDenied'],
  [403, 'InvalidAccessKeyId', 'AccessDenied'],
  [403, 'RequestTimeTooSkewed', 'AccessDenied'],
  [400, 'AuthorizationHeaderMalformed', 'RegionWrong'],
  [400, 'SomethingNew', 'SourceRefused'],
])('says what %i %s means', async (status, code, reason) => {
  await using server = await serve((_ask, to) => sendError(to, status, code));
  using at = folders();

  const fetching = fetchModel(request(await source(server), at.destination), context());
  await expect(fetching).rejects.toMatchObject({ reason, again: false });
});

it('tries again when it is told to slow down', async () => {
  let refused = false;
  await using server = await serve((ask, to) => {
    if (ask.method === 'HEAD') return sendHead(to);
    if (refused) return void to.writeHead(200, { 'content-length': 7, etag: '"one"' }).end('weights');
    refused = true;
    sendError(to, 503, 'SlowDown', { 'retry-after': '0' });
  });
  using at = folders();
  const watched = context();

  await fetchModel(request(await source(server), at.destination), watched);

  expect(filesIn(at.destination)).toEqual({ 'model.onnx': 'weights' });
  expect(watched.messages).toEqual(['trying again']);
  expect(server.asked.at(-1)?.headers['if-match']).toBe('"one"');
});

it('begins at the start again where a server sends all for a part', async () => {
  const text = 'weights '.repeat(50_000);
  let cut = false;
  await using server = await serve((ask, to) => {
    if (ask.method === 'HEAD') return sendHead(to, text.length);
    to.writeHead(200, { 'content-length': text.length, etag: '"one"' });
    if (cut) return void to.end(text);
    cut = true;
    to.write(text.slice(0, text.length / 2), () => setImmediate(() => to.destroy()));
  });
  using at = folders();

  await fetchModel(request(await source(server), at.destination), context());

  expect(server.asked.at(-1)?.headers.range).toMatch(/^bytes=[1-9]/);
  expect(filesIn(at.destination)).toEqual({ 'model.onnx': text });
});

it('gives up a connection that falls silent in the middle of an object', async () => {
  await using server = await serve((ask, to) => {
    if (ask.method === 'HEAD') return sendHead(to);
    to.writeHead(200, { 'content-length': 7, etag: '"one"' }).write('wei');
  });
  using at = folders();

  const fetching = fetchModel(request(await source(server, 500), at.destination, { retries: 0 }), context());
  await expect(fetching).rejects.toMatchObject({ reason: 'SourceUnreachable', again: true });
});

it('mixes no versions, though a server does not heed If-Match', async () => {
  await using server = await serve((ask, to) => {
    if (ask.method === 'HEAD') sendHead(to);
    else to.writeHead(200, { 'content-length': 7, etag: '"two"' }).end('another');
  });
  using at = folders();

  const fetching = fetchModel(request(await source(server), at.destination), context());
  await expect(fetching).rejects.toMatchObject({ reason: 'SourceChanged' });
});
