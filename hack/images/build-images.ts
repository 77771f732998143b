/**
 * Builds the images of this repository from its Dockerfiles with Debian's buildah: no container daemon, no registry.
 * The result is cached by content: a docker-archive tar per image, named by the digest of everything that goes into it.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../kube/binaries.ts';
import { makeDebianBase, makeNodeBase } from './base-images.ts';
import { withBuildLock } from './build-lock.ts';
import { findBuildSecrets } from './build-secrets.ts';
import type { BuildSecret } from './build-secrets.ts';
import { buildArguments, imageId, openBuildah } from './buildah.ts';
import type { Buildah } from './buildah.ts';
import { seconds } from './command.ts';
import type { Progress } from './command.ts';
import { contentDigest } from './content-digest.ts';
import { installMissingPrograms } from './debian-packages.ts';
import { baseImageOf, IMAGE_NAMES, IMAGES, isLeftOut } from './image-definitions.ts';
import type { ImageName } from './image-definitions.ts';

export interface BuiltImage {
  /** A docker-archive, which `ctr --namespace k8s.io images import TAR` and `docker load` take. */
  readonly tar: string;
  /** `docker.io/slipway/<name>:0.1.0` */
  readonly reference: string;
  /** The image's id: sha256 of its configuration, which covers its layers. The same content has the same id. */
  readonly digest: string;
  /** Size of the tar. */
  readonly bytes: number;
}

export interface BuildImagesOptions {
  /** Default: all. */
  readonly names?: readonly ImageName[];
  readonly progress: Progress;
  /** Root of the checkout. Default: the one this file lies in. */
  readonly root?: string;
  /** Default: `$XDG_CACHE_HOME/slipway/images`, or `~/.cache/slipway/images`. */
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** How many tars of one image are kept: the newest and the one before, for going back and forth between two branches. */
const KEPT_BUILDS = 2;

/**
 * Returns the images, building those that are not in the cache. Needs root for a build (chroot, mounts), not for a cached image.
 * Throws with the last lines of the build when one fails.
 */
export async function buildImages(options: BuildImagesOptions): Promise<Record<ImageName, BuiltImage>> {
  const names = options.names ?? IMAGE_NAMES;
  const env = options.env ?? process.env;
  const root = options.root ?? join(import.meta.dirname, '../..');
  const cacheDir = options.cacheDir ?? join(cacheFolder(env), 'images');
  const started = performance.now();
  const progress: Progress = (line) => options.progress(`[${seconds(started)} s] ${line}`);
  await mkdir(cacheDir, { recursive: true });

  const built: [ImageName, BuiltImage][] = [];
  for (const name of names) {
    const cached = await readCached(cacheDir, name, await inputDigest(root, name));
    built.push([name, cached ?? (await buildLocked({ root, cacheDir, env, progress }, name))]);
  }
  return Object.fromEntries(built) as Record<ImageName, BuiltImage>;
}

interface BuildContext {
  readonly root: string;
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
}

async function buildLocked(context: BuildContext, name: ImageName): Promise<BuiltImage> {
  const { root, cacheDir, env, progress } = context;
  await installMissingPrograms(env, progress);
  if (process.getuid?.() !== 0)
    throw new Error('Building images needs root: buildah mounts and changes root. Run this as root (sudo).');
  return withBuildLock(join(cacheDir, 'lock'), progress, async () => {
    // Another process may have built it while this one waited, or a file may have changed.
    const inputs = await inputDigest(root, name);
    const cached = await readCached(cacheDir, name, inputs);
    if (cached !== undefined) return cached;
    const started = performance.now();
    const image = await build(context, name, inputs);
    progress(`${name}: built in ${seconds(started)} s, ${Math.round(image.bytes / 1e6)} MB`);
    return image;
  });
}

async function build(context: BuildContext, name: ImageName, inputs: string): Promise<BuiltImage> {
  const { root, cacheDir, env, progress } = context;
  const { reference, ...definition } = IMAGES[name];
  const buildah = await openBuildah(cacheDir);
  const secrets = await findBuildSecrets(env, cacheDir);
  const request = {
    context: join(root, definition.context),
    dockerfile: join(root, definition.dockerfile),
    reference,
    secrets,
  };
  await makeBases(context, buildah);
  const stages = await buildStages(context, buildah, name, secrets);
  progress(`${name}: building`);
  const target = definition.target === undefined ? {} : { target: definition.target };
  await buildah.run(buildArguments({ ...request, ...target, stages }), {
    progress,
    label: `${name}: building`,
    cwd: root,
  });

  const digest = await imageId(buildah, reference);
  if (digest === undefined) throw new Error(`buildah built ${reference}, but does not list it.`);
  const tar = join(cacheDir, `${name}-${inputs.slice(0, 16)}.tar`);
  await rm(`${tar}.part`, { force: true });
  await buildah.run(['push', '--quiet', reference, `docker-archive:${tar}.part:${reference}`], {
    progress,
    label: `${name}: writing`,
  });
  await rename(`${tar}.part`, tar);
  const image = { tar, reference, digest, bytes: (await stat(tar)).size };
  await writeFile(recordOf(cacheDir, name, inputs), JSON.stringify(image));
  await removeOldBuilds(cacheDir, name);
  return image;
}

async function makeBases(context: BuildContext, buildah: Buildah): Promise<void> {
  const options = { buildah, cacheDir: context.cacheDir, progress: context.progress };
  const debian = baseImageOf(
    await readFile(join(context.root, IMAGES['flights-trainer'].dockerfile), 'utf8'),
    'DEBIAN_IMAGE',
  );
  const node = baseImageOf(await readFile(join(context.root, IMAGES.operator.dockerfile), 'utf8'), 'NODE_IMAGE');
  await makeDebianBase(debian, options);
  await makeNodeBase(node, debian, options);
}

/**
 * The slow stages of the Dockerfile as images of their own, tagged with the digest of what they are made of. A change of sources then
 * does not even look at them, which is most of the time of a build that finds everything in buildah's own cache.
 */
async function buildStages(
  context: BuildContext,
  buildah: Buildah,
  name: ImageName,
  secrets: readonly BuildSecret[],
): Promise<Record<string, string>> {
  const { root, progress } = context;
  const definition = IMAGES[name];
  const images: Record<string, string> = {};
  for (const [stage, inputs] of Object.entries(definition.stages)) {
    const repository = `localhost/slipway-stage-${stage}`;
    const reference = `${repository}:${(await contentDigest(root, inputs, isLeftOut)).slice(0, 16)}`;
    images[stage] = reference;
    if ((await imageId(buildah, reference)) !== undefined) continue;
    const request = {
      context: join(root, definition.context),
      dockerfile: join(root, definition.dockerfile),
      target: stage,
      reference,
      secrets,
    };
    const label = `${name}: building the stage ${stage}`;
    progress(label);
    await buildah.run(buildArguments(request), { progress, label, cwd: root });
    await removeOtherTags(buildah, repository, reference);
  }
  return images;
}

/** Keeps the storage from growing by some hundred megabytes with each change of the dependencies. */
async function removeOtherTags(buildah: Buildah, repository: string, kept: string): Promise<void> {
  const all = await buildah.run(['images', '--format', '{{.Name}}:{{.Tag}}', '--filter', `reference=${repository}:*`]);
  const old = all.split('\n').filter((reference) => reference.startsWith(`${repository}:`) && reference !== kept);
  if (old.length > 0) await buildah.run(['rmi', '--force', ...old]);
  await buildah.run(['rmi', '--prune', '--force']);
}

async function inputDigest(root: string, name: ImageName): Promise<string> {
  return contentDigest(root, IMAGES[name].inputs, isLeftOut);
}

function recordOf(cacheDir: string, name: ImageName, inputs: string): string {
  return join(cacheDir, `${name}-${inputs.slice(0, 16)}.json`);
}

async function readCached(cacheDir: string, name: ImageName, inputs: string): Promise<BuiltImage | undefined> {
  const record = await readFile(recordOf(cacheDir, name, inputs), 'utf8').catch(() => undefined);
  if (record === undefined) return undefined;
  const image = JSON.parse(record) as BuiltImage;
  const size = await stat(image.tar).then(
    (found) => found.size,
    () => -1,
  );
  return size === image.bytes ? image : undefined;
}

async function removeOldBuilds(cacheDir: string, name: ImageName): Promise<void> {
  const pattern = new RegExp(`^${name}-[0-9a-f]{16}\\.json$`);
  const records = (await readdir(cacheDir)).filter((file) => pattern.test(file)).map((file) => join(cacheDir, file));
  const dated = await Promise.all(records.map(async (file) => ({ file, time: (await stat(file)).mtimeMs })));
  for (const { file } of dated.toSorted((a, b) => b.time - a.time).slice(KEPT_BUILDS)) {
    await rm(file, { force: true });
    await rm(file.replace(/json$/, 'tar'), { force: true });
  }
}
