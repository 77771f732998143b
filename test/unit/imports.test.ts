/** Imports point one way. This walks every import of every source file; CONTRIBUTING.md draws the rules. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..');

/** Which folders of ours each folder may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  crds: [],
  kube: [],
  telemetry: [],
  operator: ['crds', 'kube', 'telemetry'],
  'serving-runtime': ['crds', 'telemetry'],
  'batch-runtime': ['crds'],
  cli: ['crds', 'kube'],
  gateway: ['crds', 'kube', 'telemetry', 'serving-runtime'],
};

/** Packages that only some folders may import, because the others must stay free of what they bring. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['kube'],
  undici: ['kube'],
  'onnxruntime-node': ['serving-runtime', 'batch-runtime'],
  '@duckdb/node-api': ['batch-runtime'],
  '@grpc/grpc-js': ['cli'],
  '@aws-sdk/client-s3': ['serving-runtime'],
  'google-auth-library': ['serving-runtime'],
  '@opentelemetry/sdk-trace': ['telemetry'],
};

/** The pure files of a controller: no I/O, no clock, no environment. */
const PURE_FILE = /\/controllers\/[^/]+\/(plan|checks|status)\.ts$/;
const IMPURE = /\b(process\.env|Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|fetch\()/;

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/node_modules|\.test\.|^test\/|testing\//.test(path))
    .map((path) => `${folder}/${path}`);
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => ({ file, specifier: match[1] ?? '' }));
}

/** The folder of ours that an import reaches, or undefined for a package of somebody else. */
function folderOf({ file, specifier }: Import): string | undefined {
  if (specifier.startsWith('@slipway/')) return specifier.split('/')[1];
  if (!specifier.startsWith('.')) return undefined;
  return relative(root, resolve(root, dirname(file), specifier)).split('/')[0];
}

describe.each(Object.entries(MAY_IMPORT))('%s', (folder, allowed) => {
  const files = sourceFiles(folder);
  const imports = files.flatMap(importsOf);

  it('imports only the folders below it', () => {
    const wrong = imports.filter((found) => {
      const target = folderOf(found);
      return target !== undefined && target !== folder && !allowed.includes(target);
    });

    expect(wrong).toEqual([]);
  });

  it('leaves packages to the folders that own them', () => {
    const wrong = imports.filter(({ specifier }) => {
      const owner = Object.entries(ONLY_IN).find(([name]) => specifier === name || specifier.startsWith(`${name}/`));
      return owner !== undefined && !owner[1].includes(folder);
    });

    expect(wrong).toEqual([]);
  });

  it('reads the environment in config.ts and main.ts only', () => {
    const wrong = files.filter(
      (file) => !/\/(config|main)\.ts$/.test(file) && readFileSync(join(root, file), 'utf8').includes('process.env'),
    );

    expect(wrong).toEqual([]);
  });
});

it('plan, checks and status of every controller are pure', () => {
  const pure = sourceFiles('operator').filter((file) => PURE_FILE.test(file));
  const impure = pure.filter((file) => IMPURE.test(readFileSync(join(root, file), 'utf8')));

  expect(pure.length).toBeGreaterThan(0);
  expect(impure).toEqual([]);
});

/** What a file loads at once; types are erased, and `import()` comes later if at all. */
function loadedBy(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'()]*?from\s+)?'([^']+)'/gm);
  return [...statements].map((match) => ({ file, specifier: match[1] ?? '' }));
}

it('the model server loads OpenTelemetry only where its variables ask for it', () => {
  const packages = new Set<string>();
  const files = new Set(['serving-runtime/src/main.ts']);
  for (const file of files) {
    for (const found of loadedBy(file)) {
      const folder = folderOf(found);
      if (folder === undefined) packages.add(found.specifier);
      else if (found.specifier.startsWith('@slipway/')) files.add(`${folder}/src/index.ts`);
      else if (found.specifier.endsWith('.ts'))
        files.add(relative(root, resolve(root, dirname(file), found.specifier)));
    }
  }

  expect(files).toContain('telemetry/src/start-tracing.ts');
  expect([...packages].filter((name) => name.startsWith('@opentelemetry/'))).toEqual([]);
});
