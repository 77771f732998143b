import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../hack/images/index.ts';

const root = join(import.meta.dirname, '../..');
const LEFT_OUT = new Set(['node_modules', '.git']);

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Targets of links to files of the checkout. */
function linksOf(file: string): string[] {
  const targets = [...readFileSync(file, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return targets.filter((target) => !/^(https?:|mailto:|#)/.test(target)).map((target) => target.split('#')[0] ?? '');
}

describe('the documentation', () => {
  it('links only to what is there', () => {
    const dead = markdownIn(root).flatMap((file) =>
      linksOf(file)
        .filter((target) => !existsSync(join(dirname(file), target)))
        .map((target) => `${relative(root, file)}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it('comes with a chart of the version of the images', () => {
    const chart = load(readFileSync(join(root, 'charts/slipway/Chart.yaml'), 'utf8')) as Record<string, string>;
    expect([chart['version'], chart['appVersion']]).toEqual([VERSION, VERSION]);
  });
});
