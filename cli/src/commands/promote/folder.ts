/** The YAML of a folder, as far as promotion has to know it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isScalar, parseAllDocuments } from 'yaml';
import type { Document, Scalar } from 'yaml';
import { CliError } from '../../errors.ts';

export interface YamlFile {
  /** Below the folder. */
  readonly path: string;
  readonly text: string;
}

/** One object in a file. */
export interface Manifest {
  readonly file: YamlFile;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** The parsed document, for the places of its values in the text. */
  readonly document: Document.Parsed;
}

/** Every *.yaml and *.yml in the folder and below, but not in hidden folders. Rejects with CliError where there is no such folder. */
export async function readFolder(folder: string): Promise<YamlFile[]> {
  const paths = await listFolder(folder);
  const yaml = paths.filter((path) => /\.ya?ml$/.test(path) && !/(^|\/)(\.|node_modules\/)/.test(path)).sort();
  return Promise.all(yaml.map(async (path) => ({ path, text: await readFile(join(folder, path), 'utf8') })));
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CliError(
        `There is no folder ${folder}.`,
        `Make it with mkdir -p ${folder}, or name another one with --into.`,
        { cause },
      );
    }
    throw new CliError(`The folder ${folder} cannot be read: ${message}`, 'Name another one with --into.', { cause });
  }
}

/** The objects of Slipway in these files. Files that are no plain YAML, such as templates of Helm, have none. */
export function manifestsOf(files: readonly YamlFile[]): Manifest[] {
  return files.flatMap((file) => {
    const documents = parseAllDocuments(file.text, { logLevel: 'silent' });
    if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return [];
    return (documents as Document.Parsed[]).flatMap((document) => manifestOf(file, document));
  });
}

function manifestOf(file: YamlFile, document: Document.Parsed): Manifest[] {
  const apiVersion = textAt(document, ['apiVersion']);
  const kind = textAt(document, ['kind']);
  const name = textAt(document, ['metadata', 'name']);
  if (apiVersion?.startsWith('slipway.dev/') !== true || kind === undefined || name === undefined) return [];
  return [{ file, kind, name, namespace: textAt(document, ['metadata', 'namespace']), document }];
}

export function textAt(document: Document.Parsed, path: readonly string[]): string | undefined {
  const value: unknown = scalarAt(document, path)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** The node of a plain value, which knows its place in the text. */
export function scalarAt(document: Document.Parsed, path: readonly string[]): Scalar | undefined {
  const node: unknown = document.getIn(path, true);
  return isScalar(node) ? node : undefined;
}
