/** For `node --import`: loads one source file of the operator with the defect that SLIPWAY_MUTANT names. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutated } from './mutate.ts';
import { MUTANTS } from './mutants.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const name = process.env['SLIPWAY_MUTANT'] ?? '';
const mutant = MUTANTS[name];
if (mutant === undefined)
  throw new Error(`SLIPWAY_MUTANT is "${name}"; it must be one of ${Object.keys(MUTANTS).join(', ')}`);
const path = join(root, mutant.file);
const source = mutated(readFileSync(path, 'utf8'), mutant);

registerHooks({
  load(url, context, nextLoad) {
    if (url !== pathToFileURL(path).href) return nextLoad(url, context);
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});
