/** What is pinned, in one place. Builds from source take Kubernetes and etcd from go.mod, which a test holds to these. */
export const KUBERNETES_VERSION = 'v1.36.3';
export const ETCD_VERSION = 'v3.6.8';
export const COREDNS_VERSION = 'v1.15.0';
export const HELM_VERSION = 'v4.3.1';
export const TRAEFIK_VERSION = 'v3.6.12';
/** The one that this Traefik follows. */
export const GATEWAY_API_VERSION = 'v1.4.0';
