/** What lies in a model repository of Triton's layout: `<model>/<version>/model.onnx`, or the only .onnx file there. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { quoted } from '../protocol/errors.ts';

export interface RepositoryEntry {
  readonly name: string;
  readonly version: string;
  /** Real path of the model file. ONNX Runtime finds external data beside it. */
  readonly path: string;
  /** The folder of the model, with all its versions and its settings. */
  readonly folder: string;
  /** Size of everything in the folder of the version. */
  readonly bytes: number;
}

/** Model names stand in URLs and metrics. Two dots in a row mean something else to too many. */
const MODEL_NAME = /^(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/;
const VERSION = /^[1-9][0-9]{0,9}$/;

/** Something is out of place. The message holds no path above the repository, so a client may read it. */
export class RepositoryError extends Error {
  override name = 'RepositoryError';
}

/** Names of the models in a repository. @throws {RepositoryError} when there is none. */
export function modelNames(root: string): string[] {
  if (!existsSync(root))
    throw new RepositoryError(
      'the folder of the model repository is not there: give --model-repository one with <model>/<version>/model.onnx',
    );
  const names = folders(root);
  if (names.length === 0)
    throw new RepositoryError('the model repository is empty: put a model at <model>/1/model.onnx in it');
  return names;
}

/** Versions of one model in ascending order. @throws {RepositoryError} */
export function scanModel(root: string, name: string): RepositoryEntry[] {
  if (!MODEL_NAME.test(name))
    throw new RepositoryError(`${quoted(name)} is no name for a model: letters, digits, ".", "_" and "-"`);
  try {
    return versionsOf(root, name);
  } catch (cause) {
    if (cause instanceof RepositoryError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new RepositoryError(`something in its folder cannot be read (${code}); is there a link that leads nowhere?`, {
      cause,
    });
  }
}

function versionsOf(root: string, name: string): RepositoryEntry[] {
  const folder = join(realpathSync(root), name);
  if (!existsSync(folder)) throw new RepositoryError('the repository has no folder of this name');
  const versions = folders(folder).filter((version) => VERSION.test(version));
  if (versions.length === 0)
    throw new RepositoryError(`it has no version folder; put its file at ${join(name, '1', 'model.onnx')}`);
  return versions
    .sort((a, b) => Number(a) - Number(b))
    .map((version) => {
      const path = modelFile(realpathSync(root), name, version);
      return { name, version, path, folder, bytes: bytesIn(dirname(path)) };
    });
}

function modelFile(root: string, name: string, version: string): string {
  const folder = join(root, name, version);
  const files = readdirSync(folder).filter((file) => file.endsWith('.onnx'));
  const file = files.includes('model.onnx') ? 'model.onnx' : files[0];
  if (file === undefined) throw new RepositoryError(`its version ${version} has no file model.onnx`);
  if (file !== 'model.onnx' && files.length > 1)
    throw new RepositoryError(`its version ${version} has ${files.length} .onnx files; name one of them model.onnx`);
  const real = realpathSync(join(folder, file));
  if (!real.startsWith(root + sep))
    throw new RepositoryError(
      `${join(name, version, file)} is a link that leaves the repository; copy the file instead`,
    );
  return real;
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(folder, file), { throwIfNoEntry: false }))
    .reduce((sum, stat) => sum + (stat?.isFile() === true ? stat.size : 0), 0);
}

/** Kubernetes mounts of ConfigMaps hold folders that begin with two dots. */
function folders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.') && statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory())
    .sort();
}
