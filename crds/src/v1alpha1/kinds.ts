import { approvalDefinition } from './approval.ts';
import type { KindDefinition } from './common.ts';
import { datasetDefinition } from './dataset.ts';
import { datasetVersionDefinition } from './dataset-version.ts';
import { featureSetDefinition } from './feature-set.ts';
import { inferenceServiceDefinition } from './inference-service.ts';
import { modelDefinition } from './model.ts';
import { modelAliasDefinition } from './model-alias.ts';
import { modelRolloutDefinition } from './model-rollout.ts';
import { modelVersionDefinition } from './model-version.ts';
import { clusterServingRuntimeDefinition, servingRuntimeDefinition } from './serving-runtime.ts';
import { storeDefinition } from './store.ts';
import { trafficRouteDefinition } from './traffic-route.ts';
import { trainingJobDefinition } from './training-job.ts';

/** Every kind of the API, in the order in which its objects come to life. */
export const KINDS: readonly KindDefinition[] = [
  storeDefinition,
  featureSetDefinition,
  datasetDefinition,
  datasetVersionDefinition,
  modelDefinition,
  trainingJobDefinition,
  modelVersionDefinition,
  approvalDefinition,
  modelAliasDefinition,
  servingRuntimeDefinition,
  clusterServingRuntimeDefinition,
  inferenceServiceDefinition,
  modelRolloutDefinition,
  trafficRouteDefinition,
];
