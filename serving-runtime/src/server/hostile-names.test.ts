/** Names and versions that want to be paths, commands or other names, wherever one can be given. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { grpcClient } from '../testing/grpc-client.ts';
import type { GrpcClient } from '../testing/grpc-client.ts';
import { statusesIn, talk } from '../testing/raw-http1.ts';
import { startTarget } from '../testing/target.ts';
import type { Target } from '../testing/target.ts';

let target: Target;
let data: GrpcClient;
let admin: GrpcClient;
beforeAll(async () => {
  target = await startTarget(['--admin-port=0']);
  [data, admin] = [grpcClient(target.server.ports.grpc), grpcClient(target.server.ports.admin ?? 0)];
});
afterAll(async () => {
  data.close();
  admin.close();
  await target.stop();
});
afterEach(() => target.expectWell());

const ROW = '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[2,3]}]}';

/** As the bytes of the request line, which a client like fetch would tidy up. */
async function overHttp(port: number | undefined, method: 'GET' | 'POST', path: string): Promise<string> {
  const body = method === 'GET' ? '' : ROW;
  const head = `${method} ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
  return talk(port ?? 0, head + body);
}

const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 0,
    (cause: unknown) => (cause as { code: number }).code,
  );

const NAMES: readonly [string, string][] = [
  ['a path up', '../etc/passwd'],
  ['a path up and down', 'add/../add'],
  ['a path from the root', '/etc/passwd'],
  ['a path of Windows', String.raw`..\add`],
  ['a slash behind it', 'add/'],
  ['its own version', 'add/1'],
  ['two dots', '..'],
  ['three dots', '...'],
  ['two dots in it', 'add..1'],
  ['NUL behind it', 'add\0'],
  ['a new line behind it', 'add\n'],
  ['a blank', ' '],
  ['a blank before it', ' add'],
  ['a letter that looks like another', 'аdd'],
  ['wide letters', 'ａｄｄ'],
  ['wide dots', '．．/etc'],
  ['a colon', 'add:predict'],
  ['a query', 'add?x=1'],
  ['an escape within an escape', '%2e%2e%2fetc'],
  ['a name of JavaScript', '__proto__'],
  ['another', 'constructor'],
  ['8,000 characters', 'a'.repeat(8000)],
];

it.each(NAMES)('a model whose name is %s is not there', async (_, name) => {
  const { http, admin: adminPort } = target.server.ports;
  const encoded = encodeURIComponent(name);
  const answers = [
    await overHttp(http, 'GET', `/v2/models/${encoded}`),
    await overHttp(http, 'GET', `/v2/models/${encoded}/ready`),
    await overHttp(http, 'POST', `/v2/models/${encoded}/infer`),
    await overHttp(http, 'POST', `/v1/models/${encoded}:predict`),
    await overHttp(adminPort, 'POST', `/v2/repository/models/${encoded}/unload`),
    await overHttp(adminPort, 'POST', `/v2/repository/models/${encoded}/load`),
  ];

  expect(answers.flatMap(statusesIn)).toEqual([404, 404, 404, 404, 404, 400]);
  for (const answer of answers) expect(answer.length).toBeLessThan(1000);
  expect(answers.join()).not.toContain(target.server.repository);
  expect(await codeOf(data.call('ModelMetadata', { name }))).toBe(5);
  expect(await codeOf(data.call('ModelInfer', { model_name: name }))).toBe(5);
  expect(await codeOf(admin.call('RepositoryModelUnload', { model_name: name }))).toBe(5);
  expect(await codeOf(admin.call('RepositoryModelLoad', { model_name: name }))).toBe(3);
});

it.each(['0', '01', '+1', '1.0', '1e0', '-1', ' 1', '１', '1/../1', '..', '99999999999999999999', '__proto__'])(
  'a version %j is not there',
  async (version) => {
    const path = `/v2/models/add/versions/${encodeURIComponent(version)}`;
    const answers = [
      await overHttp(target.server.ports.http, 'GET', path),
      await overHttp(target.server.ports.http, 'POST', `${path}/infer`),
    ];

    expect(answers.flatMap(statusesIn)).toEqual([404, 404]);
    expect(await codeOf(data.call('ModelMetadata', { name: 'add', version }))).toBe(5);
    expect(await codeOf(data.call('ModelInfer', { model_name: 'add', model_version: version }))).toBe(5);
  },
);

it.each([
  '/v2/models/../health',
  '/v2/models/add/../../repository/index',
  '/v2//models/add',
  '//v2/models/add',
  '/v2/models/add/infer/../config',
  '/V2/models/add',
  '/v2/models/add%2finfer',
  '/v2/repository/index',
  '/v2/models/add/versions//infer',
  '/metrics',
  '/admin',
])('the path %s leads nowhere on the port of the clients', async (path) => {
  expect(statusesIn(await overHttp(target.server.ports.http, 'GET', path))).toEqual([404]);
});

it.each(['/v2/models/%', '/v2/models/%zz', '/v2/models/%c3%28', '/v2/models/add/versions/%ff'])(
  'the path %s, whose escapes say nothing, is refused',
  async (path) => {
    expect(statusesIn(await overHttp(target.server.ports.http, 'GET', path))).toEqual([400]);
  },
);
