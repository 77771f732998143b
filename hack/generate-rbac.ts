/** Writes the chart's RBAC rules from what the code declares. `--check` fails where a file differs instead. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { gatewayClusterRules, gatewayRules } from '../gateway/src/rbac.ts';
import { accessAtPodsRules, gatewayApiRules, operatorRules } from '../operator/src/rbac.ts';

const FILES = [
  {
    path: 'charts/slipway/files/rbac.yaml',
    source: 'operator/src/controllers/*/rbac.ts',
    content: { rules: operatorRules, gatewayApiRules, accessAtPodsRules },
  },
  {
    path: 'charts/slipway/files/gateway-rbac.yaml',
    source: 'gateway/src/rbac.ts',
    content: { rules: gatewayRules, clusterRules: gatewayClusterRules },
  },
];

for (const { path, source, content } of FILES) {
  const file = join(import.meta.dirname, '..', path);
  const header = `# Generated from ${source} by \`npm run generate\`; do not edit.\n`;
  const wanted = header + dump(content, { lineWidth: 120, noRefs: true });
  if (existsSync(file) && readFileSync(file, 'utf8') === wanted) {
    console.log(`${path} is up to date`);
  } else if (process.argv.includes('--check')) {
    console.error(`Out of date: ${path}. Run \`npm run generate\` and commit the result.`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, wanted);
    console.log(`${path} written`);
  }
}
