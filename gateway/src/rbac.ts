/** What a gateway reads of the API; the chart's rules are generated from it. */
const READ = ['get', 'list', 'watch'] as const;

export const gatewayRules = [
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['trafficroutes'], verbs: READ },
] as const;
