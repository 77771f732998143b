import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withBuildLock } from './build-lock.ts';
import { npmSettings, pipSettings } from './build-secrets.ts';
import { contentDigest } from './content-digest.ts';
import { baseImageOf, IMAGE_NAMES, IMAGES, isLeftOut } from './image-definitions.ts';

const root = join(import.meta.dirname, '../..');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-images-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('the Dockerfile', () => {
  it('takes the versions of package.json', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      devDependencies: { node: string; rolldown: string };
    };
    const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8');
    expect(baseImageOf(dockerfile, 'NODE_IMAGE')).toContain(`/node:${manifest.devDependencies.node}-`);
    expect(dockerfile).toContain(`ARG ROLLDOWN_VERSION=${manifest.devDependencies.rolldown}\n`);
  });

  it('has a target for each image and copies exactly the sources that its cache depends on', async () => {
    const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8');
    for (const name of IMAGE_NAMES) {
      const { target, inputs } = IMAGES[name];
      if (target === undefined) continue;
      const stages = dockerfile
        .split(/^FROM /m)
        .filter((text) => new RegExp(`^\\S+ AS ${target}(-bundle)?\n`).test(text));
      const copied = [...stages.join('').matchAll(/^COPY (\S+\/src)\/ /gm)].map((match) => match[1]);
      expect(new Set(copied), name).toEqual(new Set(inputs.filter((input) => input.endsWith('/src'))));
    }
  });
});

describe('contentDigest', () => {
  it('changes with a content or a name, and not with a file that is left out', async () => {
    await writeFile(join(folder, 'a.ts'), '1');
    const first = await contentDigest(folder, ['.'], isLeftOut);
    await writeFile(join(folder, 'a.test.ts'), 'x');
    expect(await contentDigest(folder, ['.'], isLeftOut)).toBe(first);
    await writeFile(join(folder, 'b.ts'), '');
    const second = await contentDigest(folder, ['.'], isLeftOut);
    expect(second).not.toBe(first);
    await writeFile(join(folder, 'a.ts'), '2');
    expect(await contentDigest(folder, ['.'], isLeftOut)).not.toBe(second);
  });
});

describe('withBuildLock', () => {
  it('lets one at a time in, and the next one also after a failure', async () => {
    const file = join(folder, 'lock');
    const order: string[] = [];
    const work = async (name: string): Promise<void> =>
      withBuildLock(
        file,
        () => undefined,
        async () => {
          order.push(`${name} in`);
          await new Promise((resolve) => {
            setTimeout(resolve, 50);
          });
          order.push(`${name} out`);
          if (name === 'a') throw new Error('a failed');
        },
      );
    const [a, b] = await Promise.allSettled([work('a'), work('b')]);
    expect([a.status, b.status]).toEqual(['rejected', 'fulfilled']);
    expect(order.map((entry) => entry.split(' ')[1])).toEqual(['in', 'out', 'in', 'out']);
  });
});

describe('build secrets', () => {
  it('pass registries and credentials of npm on, and no paths of this machine', () => {
    const npmrc =
      'cafile=/etc/ca.crt\nregistry=https://r.example/\n//r.example/:_authToken=x\nprefix=/opt\n@acme:registry=https://a.example/\n';
    expect(npmSettings({}, npmrc)).toBe(
      'registry=https://r.example/\n//r.example/:_authToken=x\n@acme:registry=https://a.example/\n',
    );
    expect(npmSettings({}, 'cafile=/etc/ca.crt\n')).toBe('');
  });

  it('pass the index of pip on, from the environment too', () => {
    expect(pipSettings({ PIP_INDEX_URL: 'https://p.example/simple' }, '[global]\ncert = /etc/ca.crt\n')).toBe(
      '[global]\nindex-url = https://p.example/simple\n',
    );
    expect(pipSettings({}, '[global]\ncert = /etc/ca.crt\n')).toBe('');
  });
});
