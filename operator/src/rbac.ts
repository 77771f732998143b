import { READ } from './controller-registration.ts';
import type { PolicyRule } from './controller-registration.ts';
import { approvalRules } from './controllers/approval/rbac.ts';
import { datasetRules } from './controllers/dataset/rbac.ts';
import { datasetVersionRules } from './controllers/dataset-version/rbac.ts';
import { featureSetRules } from './controllers/feature-set/rbac.ts';
import { accessAtPodsRules, gatewayApiRules, inferenceServiceRules } from './controllers/inference-service/rbac.ts';
import { modelAliasRules } from './controllers/model-alias/rbac.ts';
import { modelRules } from './controllers/model/rbac.ts';
import { modelRolloutRules } from './controllers/model-rollout/rbac.ts';
import { modelVersionRules } from './controllers/model-version/rbac.ts';
import { storeRules } from './controllers/store/rbac.ts';
import { trainingJobRules } from './controllers/training-job/rbac.ts';

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const;

/** Events about our objects, and the objects of others that tell why a pod cannot be made. */
const sharedRules: readonly PolicyRule[] = [
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: [''], resources: ['events', 'configmaps'], verbs: READ },
];

/** What the operator may do in a namespace that it works in: exactly what its controllers declare. No Secrets. */
export const operatorRules: readonly PolicyRule[] = mergeRules([
  ...sharedRules,
  ...storeRules,
  ...featureSetRules,
  ...datasetRules,
  ...datasetVersionRules,
  ...modelRules,
  ...trainingJobRules,
  ...modelVersionRules,
  ...approvalRules,
  ...modelAliasRules,
  ...inferenceServiceRules,
  ...modelRolloutRules,
]);

/** What it may do in addition where the chart enables the Gateway API, whose kinds are other people's. */
export { gatewayApiRules };

/** What it may do in addition where the chart has pods of services with `access` take requests from gateways alone. */
export { accessAtPodsRules };

/** One rule a resource, with every verb that somebody needs, in a stable order. */
export function mergeRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const verbsOf = new Map<string, Set<PolicyRule['verbs'][number]>>();
  for (const { apiGroups, resources, verbs } of rules) {
    for (const key of apiGroups.flatMap((group) => resources.map((resource) => `${group} ${resource}`))) {
      verbsOf.set(key, new Set([...(verbsOf.get(key) ?? []), ...verbs]));
    }
  }
  const byVerbs = new Map<string, { group: string; resources: string[]; verbs: PolicyRule['verbs'] }>();
  for (const [key, verbs] of [...verbsOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [group = '', resource = ''] = key.split(' ');
    const sorted = VERBS.filter((verb) => verbs.has(verb));
    const id = `${group} ${sorted.join(',')}`;
    const rule = byVerbs.get(id) ?? { group, resources: [], verbs: sorted };
    rule.resources.push(resource);
    byVerbs.set(id, rule);
  }
  return [...byVerbs.values()].map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs }));
}
