/** What a gateway may do at the API server; the chart's rules are generated from it. */
const READ = ['get', 'list', 'watch'] as const;

/** In each namespace that it serves. */
export const gatewayRules = [
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['trafficroutes'], verbs: READ },
] as const;

/** In the cluster, since TokenReviews are in no namespace. They are questions, and stored nowhere. */
export const gatewayClusterRules = [
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
] as const;
