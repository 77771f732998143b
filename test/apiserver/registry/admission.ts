/** The chart's policies, as the chart would render them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';

const FILE = join(import.meta.dirname, '..', '..', '..', 'charts', 'slipway', 'files', 'admission.yaml');

export interface Trusted {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** Of a release of the name slipway. */
export function admissionPolicies({ users, groups }: Trusted): object[] {
  const text = readFileSync(FILE, 'utf8')
    .replaceAll('RELEASE', 'slipway')
    .replaceAll('TRUSTED_USERS', JSON.stringify(users))
    .replaceAll('TRUSTED_GROUPS', JSON.stringify(groups));
  return loadAll(text) as object[];
}
