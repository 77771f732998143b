import { lstatSync, readdirSync } from 'node:fs';
import { readFailure } from '../failure.ts';

export interface Tree {
  readonly kind: 'file' | 'folder';
  /** Regular files below the folder, relative with `/`, sorted as bytes. Empty for a file. */
  readonly files: string[];
  /** Links, sockets, pipes and devices that were left out, relative with `/`. */
  readonly skipped: string[];
}

const MAX_DEPTH = 64;

function walk(root: string, folder: string, depth: number, tree: Tree): void {
  if (depth > MAX_DEPTH) throw new Error(`${root} has folders deeper than ${MAX_DEPTH} levels.`);
  for (const entry of readdirSync(`${root}/${folder}`, { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) walk(root, path, depth + 1, tree);
    else if (entry.isFile()) tree.files.push(path);
    else tree.skipped.push(path);
  }
}

/**
 * Lists a file or a folder without following any link.
 * @throws BatchError `FileNotFound` or `FileNotReadable`.
 */
export function listTree(path: string): Tree {
  try {
    const stat = lstatSync(path);
    const tree: Tree = { kind: stat.isDirectory() ? 'folder' : 'file', files: [], skipped: [] };
    if (tree.kind === 'folder') walk(path, '', 0, tree);
    tree.files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return tree;
  } catch (cause) {
    throw readFailure(cause, path);
  }
}
