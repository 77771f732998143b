import { dirname, join } from 'node:path';
import { operatorRules } from '../../../operator/src/rbac.ts';
import type { Rule } from '../oracles/journal-oracles.ts';
import type { RunOptions } from './run-plan.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** What the chart lets the operator do: its rules are generated from these. */
export const chartRules: readonly Rule[] = operatorRules;

const SOURCES = join(ROOT, 'operator', 'src', 'main.ts');
const PRELOAD = join(import.meta.dirname, '..', 'mutants', 'preload.ts');

/** The operator in one namespace: as one file, which starts soonest, or from the sources, with the defect that a mutant seeds. */
export function operatorSubject(
  program: { readonly bundle: string } | { readonly mutant: string },
  environment: Readonly<Record<string, string>>,
): RunOptions['subject'] {
  const args = 'bundle' in program ? [program.bundle] : ['--import', PRELOAD, SOURCES];
  return ({ kubeconfigPath, namespace }) => ({
    args,
    env: {
      ...('mutant' in program
        ? { SLIPWAY_MUTANT: program.mutant }
        : { NODE_COMPILE_CACHE: join(dirname(program.bundle), 'compile-cache') }),
      KUBECONFIG: kubeconfigPath,
      SLIPWAY_NAMESPACES: namespace,
      SLIPWAY_SERVING_RUNTIME_IMAGE: 'slipway/serving-runtime:test',
      SLIPWAY_BATCH_RUNTIME_IMAGE: 'slipway/batch-runtime:test',
      SLIPWAY_LEADER_ELECTION: 'Disabled',
      SLIPWAY_IDENTITY: 'operator-under-test',
      SLIPWAY_HEALTH_PORT: '0',
      SLIPWAY_METRICS_PORT: '0',
      SLIPWAY_LOG_LEVEL_PORT: '0',
      SLIPWAY_DRAIN_SECONDS: '1',
      ...environment,
    },
  });
}
