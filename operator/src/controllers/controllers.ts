import type { AddController } from '../controller-registration.ts';
import { addApprovalController } from './approval/controller.ts';
import { addDatasetController } from './dataset/controller.ts';
import { addDatasetVersionController } from './dataset-version/controller.ts';
import { addFeatureSetController } from './feature-set/controller.ts';
import { addAnalysisController } from './inference-service/analysis/controller.ts';
import { addInferenceServiceController } from './inference-service/controller.ts';
import { addScalingController } from './inference-service/scaling/controller.ts';
import { addModelAliasController } from './model-alias/controller.ts';
import { addModelController } from './model/controller.ts';
import { addModelRolloutController } from './model-rollout/controller.ts';
import { addModelVersionController } from './model-version/controller.ts';
import { addStoreController } from './store/controller.ts';
import { addTrainingJobController } from './training-job/controller.ts';

/** Every controller of the operator. */
export const CONTROLLERS: readonly AddController[] = [
  addStoreController,
  addFeatureSetController,
  addDatasetController,
  addDatasetVersionController,
  addModelController,
  addTrainingJobController,
  addModelVersionController,
  addApprovalController,
  addModelAliasController,
  addInferenceServiceController,
  addModelRolloutController,
  addScalingController,
  addAnalysisController,
];
