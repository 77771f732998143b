/** Writes the chart's RBAC rules from what the controllers declare. `--check` fails where the file differs instead. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { operatorRules } from './rbac.ts';

const PATH = 'charts/slipway/files/rbac.yaml';
const file = join(import.meta.dirname, '..', '..', PATH);
const header = '# Generated from operator/src/controllers/*/rbac.ts by `npm run generate`; do not edit.\n';
const wanted = header + dump({ rules: operatorRules }, { lineWidth: 120, noRefs: true });
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
