export const GROUP = 'slipway.dev';
export const VERSION = 'v1alpha1';
export const groupVersion = `${GROUP}/${VERSION}` as const;

/** An object of ours as the API server returns it: defaults applied, status perhaps not there yet. */
export interface CustomObject<Kind extends string, Spec, Status> {
  apiVersion: typeof groupVersion;
  kind: Kind;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  };
  spec: Spec;
  status?: Status;
}
