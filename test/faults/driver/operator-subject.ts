import { join } from 'node:path';
import { operatorRules } from '../../../operator/src/rbac.ts';
import type { Rule } from '../oracles/journal-oracles.ts';
import type { RunOptions } from './run-plan.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** What the chart lets the operator do: its rules are generated from these. */
export const chartRules: readonly Rule[] = operatorRules;

/** The operator in one namespace, as it is or with the defect that a mutant seeds. */
export function operatorSubject(mutant?: string): RunOptions['subject'] {
  const preload = join(import.meta.dirname, '..', 'mutants', 'preload.ts');
  return ({ kubeconfigPath, namespace }) => ({
    args: [...(mutant === undefined ? [] : ['--import', preload]), join(ROOT, 'operator', 'src', 'main.ts')],
    env: {
      ...(mutant === undefined ? {} : { SLIPWAY_MUTANT: mutant }),
      KUBECONFIG: kubeconfigPath,
      SLIPWAY_NAMESPACES: namespace,
      SLIPWAY_SERVING_RUNTIME_IMAGE: 'slipway/serving-runtime:test',
      SLIPWAY_BATCH_RUNTIME_IMAGE: 'slipway/batch-runtime:test',
      SLIPWAY_LEADER_ELECTION: 'Disabled',
      SLIPWAY_IDENTITY: 'operator-under-test',
      SLIPWAY_HEALTH_PORT: '0',
      SLIPWAY_METRICS_PORT: '0',
      SLIPWAY_DRAIN_SECONDS: '1',
    },
  });
}
