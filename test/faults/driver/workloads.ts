/** Every file in `workloads/` that exports a `workload`, by name: a new one needs no list. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Workload } from './workload.ts';

const FOLDER = join(import.meta.dirname, '..', 'workloads');

export async function loadWorkloads(): Promise<readonly Workload[]> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const modules = await Promise.all(
    files.toSorted().map(async (file) => (await import(join(FOLDER, file))) as { readonly workload?: Workload }),
  );
  return modules.map((module, index) => {
    if (module.workload === undefined) throw new Error(`workloads/${files.toSorted()[index]} exports no \`workload\``);
    return module.workload;
  });
}
