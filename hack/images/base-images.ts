/**
 * The base images that our Dockerfiles name, made from Debian packages instead of pulled: `debian:bookworm-slim` by debootstrap, and
 * `node:<version>-bookworm-slim` by adding this process's own Node and npm's npm package. They carry the names the Dockerfiles use and live in our own
 * buildah storage only, so `docker build` elsewhere takes the real ones.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imageId } from './buildah.ts';
import type { Buildah } from './buildah.ts';
import { runCommand } from './command.ts';
import type { Progress } from './command.ts';

/** The npm that goes into the Node base image; only a build stage runs it. */
const NPM_VERSION = '11.19.1';

/** Part of the marker tag: raise it when the recipe below changes, so that cached bases are made again. */
const RECIPE = 2;

const SEARCH_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What `debian:*-slim` leaves out as well; the copyright files stay. */
const LEFT_OUT = [
  './proc/*',
  './sys/*',
  './dev/*',
  './var/cache/apt/*',
  './var/lib/apt/lists/*',
  './usr/share/man/*',
  './usr/share/locale/*',
  './usr/share/info/*',
];

export interface BaseImageOptions {
  readonly buildah: Buildah;
  readonly cacheDir: string;
  readonly progress: Progress;
}

/** Makes the Debian base image unless it is there. `reference` names the release: `…/debian:bookworm-slim`. */
export async function makeDebianBase(reference: string, options: BaseImageOptions): Promise<void> {
  const { buildah, cacheDir, progress } = options;
  const release = /\/debian:([a-z]+)-slim$/.exec(reference)?.[1];
  if (release === undefined)
    throw new Error(`${reference} is not of the form …/debian:RELEASE-slim, which is what hack/images can make.`);
  const marker = `localhost/slipway-base-debian:${release}-${RECIPE}`;
  if ((await imageId(buildah, marker)) !== undefined) return;

  const tree = join(cacheDir, `debian-${release}`);
  const tarball = `${tree}.tar`;
  await rm(tree, { recursive: true, force: true });
  progress(`making ${reference} from Debian packages (once, about half a minute)`);
  await runCommand('debootstrap', ['--variant=minbase', release, tree], { progress, label: 'debootstrap' });
  await runCommand('tar', [
    '--create',
    '--file',
    tarball,
    '--directory',
    tree,
    ...LEFT_OUT.map((pattern) => `--exclude=${pattern}`),
    '.',
  ]);
  await rm(tree, { recursive: true, force: true });

  await withContainer(buildah, 'scratch', async (container) => {
    await buildah.run(['add', '--quiet', container, tarball, '/']);
    await buildah.run(['config', '--cmd', 'bash', '--env', SEARCH_PATH, container]);
    await buildah.run(['commit', '--quiet', '--timestamp', '0', container, reference]);
  });
  await rm(tarball, { force: true });
  await buildah.run(['tag', reference, marker]);
}

/** Makes the Node base image unless it is there. Throws when `reference` names another version than the Node that runs this. */
export async function makeNodeBase(reference: string, debian: string, options: BaseImageOptions): Promise<void> {
  const { buildah, cacheDir, progress } = options;
  const version = /\/node:([0-9.]+)-/.exec(reference)?.[1];
  if (version === undefined || `v${version}` !== process.version) {
    throw new Error(
      `The Dockerfile's base is ${reference}, but Node ${process.version} runs this. Start it with \`npm run cluster -- load-images\`, or make package.json and Dockerfile name one version.`,
    );
  }
  const marker = `localhost/slipway-base-node:${version}-${NPM_VERSION}-${RECIPE}`;
  if ((await imageId(buildah, marker)) !== undefined) return;

  await makeDebianBase(debian, options);
  progress(`making ${reference} from the npm packages node and npm`);
  const prefix = join(cacheDir, 'npm');
  await rm(prefix, { recursive: true, force: true });
  await runCommand('npm', ['install', '--silent', '--ignore-scripts', '--prefix', prefix, `npm@${NPM_VERSION}`], {
    cwd: cacheDir,
    progress,
    label: 'npm',
  });
  await withContainer(buildah, debian, async (container) => {
    await buildah.run(['copy', '--quiet', '--chmod', '0755', container, process.execPath, '/usr/local/bin/node']);
    await buildah.run([
      'copy',
      '--quiet',
      container,
      join(prefix, 'node_modules/npm'),
      '/usr/local/lib/node_modules/npm',
    ]);
    const link = ['ln', '-s', '../lib/node_modules/npm/bin/npm-cli.js', '/usr/local/bin/npm'];
    await buildah.run(['run', '--isolation', 'chroot', container, '--', ...link]);
    await buildah.run(['config', '--cmd', 'node', container]);
    await buildah.run(['commit', '--quiet', '--timestamp', '0', container, reference]);
  });
  await rm(prefix, { recursive: true, force: true });
  await buildah.run(['tag', reference, marker]);
}

async function withContainer(
  buildah: Buildah,
  from: string,
  work: (container: string) => Promise<void>,
): Promise<void> {
  const container = await buildah.run(['from', '--quiet', '--pull-never', from]);
  try {
    await work(container);
  } finally {
    await buildah.run(['rm', container]);
  }
}
