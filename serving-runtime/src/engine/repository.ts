/** What lies in a model repository of Triton's layout: `<model>/<version>/model.onnx`, or the only .onnx file there. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

export interface RepositoryEntry {
  readonly name: string;
  readonly version: string;
  /** Real path of the model file. ONNX Runtime finds external data beside it. */
  readonly path: string;
}

/** Model names stand in URLs and metrics. */
export const MODEL_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/;
const VERSION = /^[1-9][0-9]{0,9}$/;

/**
 * Lists a repository, versions in ascending order.
 * @throws {Error} with a sentence for the log when the folder cannot be read, is empty, or holds something out of place.
 */
export function scanRepository(root: string): RepositoryEntry[] {
  if (!existsSync(root))
    throw new Error(`there is no folder ${root}; --model-repository must name one with <model>/<version>/model.onnx`);
  const realRoot = realpathSync(root);
  const entries = folders(realRoot).flatMap((name) => versionsOf(realRoot, name));
  if (entries.length === 0)
    throw new Error(`${root} holds no model; put one at ${join(root, '<model>', '1', 'model.onnx')}`);
  return entries;
}

function versionsOf(root: string, name: string): RepositoryEntry[] {
  if (!MODEL_NAME.test(name)) throw new Error(`"${name}" is no name for a model: letters, digits, ".", "_" and "-"`);
  const versions = folders(join(root, name)).filter((version) => VERSION.test(version));
  if (versions.length === 0)
    throw new Error(`model ${name} has no version folder; put its file at ${join(root, name, '1', 'model.onnx')}`);
  return versions
    .sort((a, b) => Number(a) - Number(b))
    .map((version) => ({ name, version, path: modelFile(root, name, version) }));
}

function modelFile(root: string, name: string, version: string): string {
  const folder = join(root, name, version);
  const files = readdirSync(folder).filter((file) => file.endsWith('.onnx'));
  const file = files.includes('model.onnx') ? 'model.onnx' : files[0];
  if (file === undefined) throw new Error(`model ${name}, version ${version}, has no file model.onnx`);
  if (file !== 'model.onnx' && files.length > 1)
    throw new Error(`model ${name}, version ${version}, has ${files.length} .onnx files; name one of them model.onnx`);
  const path = join(folder, file);
  const real = realpathSync(path);
  if (!real.startsWith(root + sep))
    throw new Error(`${path} is a link that leaves the repository; copy the file instead`);
  return real;
}

/** Kubernetes mounts of ConfigMaps hold folders that begin with two dots. */
function folders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.') && statSync(join(folder, name)).isDirectory())
    .sort();
}
