/** buildah with its own storage below the cache, so that nothing of the machine's containers is touched or needed. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import type { Progress } from './command.ts';
import type { BuildSecret } from './build-secrets.ts';

export interface Buildah {
  /** Runs one buildah command and returns what it printed, trimmed. */
  run(
    args: readonly string[],
    options?: { readonly progress?: Progress; readonly label?: string; readonly cwd?: string },
  ): Promise<string>;
}

const MOST_ATTEMPTS = 5;

/**
 * buildah copies itself into a sealed memory file at each start. On a busy machine the kernel may still hold a page of it and refuse the
 * seal (EBUSY); layers that are done are cached, so the same command simply goes on.
 */
function isPassing(cause: unknown): boolean {
  return cause instanceof Error && cause.message.includes('sealing memfd copy');
}

export async function openBuildah(cacheDir: string): Promise<Buildah> {
  const storage = join(cacheDir, 'buildah');
  await mkdir(storage, { recursive: true });
  const common = ['--root', join(storage, 'root'), '--runroot', join(storage, 'run')];
  return {
    async run(args, options = {}) {
      for (let attempt = 1; ; attempt++) {
        try {
          return (await runCommand('buildah', [...common, ...args], options)).trim();
        } catch (cause) {
          if (attempt === MOST_ATTEMPTS || !isPassing(cause)) throw cause;
        }
      }
    },
  };
}

export interface BuildRequest {
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly reference: string;
  readonly secrets: readonly BuildSecret[];
  /** Images that stand for stages of the Dockerfile, which then are not looked at again. */
  readonly stages?: Readonly<Record<string, string>>;
}

/** The arguments of `buildah build`; chroot isolation needs neither a daemon nor cgroups nor user namespaces. */
export function buildArguments(request: BuildRequest): string[] {
  return [
    'build',
    '--isolation',
    'chroot',
    '--layers',
    '--pull-never',
    '--format',
    'oci',
    '--timestamp',
    '0',
    ...request.secrets.flatMap((secret) => ['--secret', `id=${secret.id},src=${secret.file}`]),
    ...Object.entries(request.stages ?? {}).flatMap(([stage, image]) => [
      '--build-context',
      `${stage}=docker-image://${image}`,
    ]),
    ...(request.target === undefined ? [] : ['--target', request.target]),
    '--file',
    request.dockerfile,
    '--tag',
    request.reference,
    request.context,
  ];
}

/** The image's id (sha256 of its configuration), or undefined where there is no such image. */
export async function imageId(buildah: Buildah, reference: string): Promise<string | undefined> {
  const ids = await buildah.run(['images', '--quiet', '--no-trunc', '--filter', `reference=${reference}`]);
  return ids.split('\n').find((line) => line.startsWith('sha256:'));
}
