/** Writes what `slipway describe` advises from docs/reasons.md. `--check` fails where the file differs instead. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonsOf } from './advice/reasons-page.ts';

const PATH = 'cli/src/advice/generated/reasons.json';
const root = join(import.meta.dirname, '..', '..');
const file = join(root, PATH);
const wanted = `${JSON.stringify(reasonsOf(readFileSync(join(root, 'docs/reasons.md'), 'utf8')), undefined, 2)}\n`;
const isCurrent = existsSync(file) && readFileSync(file, 'utf8') === wanted;

if (isCurrent) {
  console.log(`${PATH} is up to date`);
} else if (process.argv.includes('--check')) {
  console.error(`Out of date: ${PATH}. Run \`npm run generate\` and commit the result.`);
  process.exitCode = 1;
} else {
  writeFileSync(file, wanted);
  console.log(`${PATH} written`);
}
