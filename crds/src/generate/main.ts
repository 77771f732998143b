/** Writes crds/generated/*.yaml and docs/reference/*.md from the schemas. `--check` fails where they differ instead. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { KINDS } from '../v1alpha1/kinds.ts';
import { buildCrd } from './crd.ts';
import { referencePage } from './reference-docs.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const HEADER = '# Generated from crds/src/v1alpha1 by `npm run generate`; do not edit.\n';

/** Path below the repository -> content. */
function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const definition of KINDS) {
    const yaml = dump(buildCrd(definition), { lineWidth: 120, noRefs: true });
    files.set(`crds/generated/${definition.plural}.yaml`, HEADER + yaml);
    // Helm reads files below the chart only.
    files.set(`charts/slipway/files/crds/${definition.plural}.yaml`, HEADER + yaml);
    files.set(`docs/reference/${definition.plural}.md`, referencePage(definition));
  }
  return files;
}

const FOLDERS = ['crds/generated', 'charts/slipway/files/crds', 'docs/reference'];

function existingFiles(): string[] {
  return FOLDERS.flatMap((folder) => {
    mkdirSync(join(root, folder), { recursive: true });
    return readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

const wanted = generatedFiles();
const stale = [
  ...[...wanted].filter(([path, content]) => read(path) !== content).map(([path]) => path),
  ...existingFiles().filter((path) => !wanted.has(path)),
];
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(`Out of date: ${stale.join(', ')}. Run \`npm run generate\` and commit the result.`);
    process.exitCode = 1;
  }
} else {
  for (const path of stale) {
    const content = wanted.get(path);
    if (content === undefined) rmSync(join(root, path));
    else writeFileSync(join(root, path), content);
  }
  console.log(`${wanted.size} files, ${stale.length} changed`);
}
