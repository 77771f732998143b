/** Labels and annotations that the operator writes or reads. They are API: selectors of people and dashboards use them. */

export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const INSTANCE = 'app.kubernetes.io/instance';
/** Of Kubernetes, on an EndpointSlice: the Service that it is of. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
/** Selects what the operator made; the caches of pods, Jobs, Deployments and so on hold nothing else. */
export const MANAGED_BY_SELECTOR = `${MANAGED_BY}=slipway`;

/** On produced objects: the uid of the object that produced them, instead of an owner reference. */
export const PRODUCER_UID = 'slipway.dev/producer-uid';
/** Hash of what was applied last (kube/apply.ts). */
export const APPLIED_ANNOTATION = 'slipway.dev/applied';
/** On what an InferenceService owns: the revision, which is the name of its ControllerRevision and its Deployment. */
export const REVISION_LABEL = 'slipway.dev/revision';
/** On what an InferenceService owns: its name. */
export const SERVICE_LABEL = 'slipway.dev/inferenceservice';
/** On a Deployment of a revision: the ModelVersion that it serves. */
export const MODEL_VERSION_LABEL = 'slipway.dev/modelversion';
/** On a Job: the result that was accepted, so that losing its pods or our status loses nothing. */
export const RESULT_ANNOTATION = 'slipway.dev/result';
/** On a Model or Dataset: the highest version number that was ever reserved. */
export const LAST_NUMBER_ANNOTATION = 'slipway.dev/last-number';

/** On a Job whose result becomes a version: the number that was reserved for it, and the name of the version once it exists. */
export const VERSION_NUMBER_ANNOTATION = 'slipway.dev/version-number';
export const VERSION_NAME_ANNOTATION = 'slipway.dev/version-name';
/** On a Job of a FeatureSet: the definition that it materialises, the first 16 digits. */
export const DEFINITION_LABEL = 'slipway.dev/definition';
/** On a Job of a Dataset and on a DatasetVersion: the recipe, the first 16 digits. */
export const RECIPE_LABEL = 'slipway.dev/recipe';
/** On the Jobs and pods of a TrainingJob: the number of the attempt, and what they do (`trainer`, `publish`). */
export const ATTEMPT_LABEL = 'slipway.dev/attempt';
export const ROLE_LABEL = 'slipway.dev/role';

/** Labels of an object that `owner` owns: deleted with it, found by its name. */
export function ownedLabels(owner: { readonly kind: string; readonly name: string }): Record<string, string> {
  return {
    [MANAGED_BY]: 'slipway',
    [INSTANCE]: labelValue(owner.name),
    [`slipway.dev/${owner.kind.toLowerCase()}`]: labelValue(owner.name),
  };
}

/** Labels of an object that `producer` produced: it survives its producer. */
export function producedLabels(producer: { readonly uid: string }): Record<string, string> {
  return { [MANAGED_BY]: 'slipway', [PRODUCER_UID]: producer.uid };
}

// Names of our kinds fit a label; those of objects that others named may be longer (253).
function labelValue(name: string): string {
  return name.length <= 63 ? name : name.slice(0, 63).replace(/[^a-z0-9]+$/, '');
}
