export * from './types.ts';
export * from './builtin-kinds.ts';
export { backoffDelay, type BackoffOptions } from './backoff.ts';
export { realClock, sleep, type Clock, type Timer } from './clock.ts';
export * from './result.ts';
export * from './errors.ts';
export * from './client.ts';
export type { ServiceAccountToken, TokenIssuer } from './service-account-tokens.ts';
export { createDiscovery, type Discovery, type DiscoveryOptions } from './discovery.ts';
export type { RequestBudget, RequestRate } from './budget.ts';
export { loadKubeConfig, type KubeConfig } from './kube-config.ts';
export type { WatchEvent } from './watch-stream.ts';
export type { Cache, IndexFunctions } from './store.ts';
export {
  createManager,
  watch,
  type ControllerOptions,
  type Manager,
  type ManagerOptions,
  type Signal,
  type Watch,
} from './manager.ts';
export type { CacheOptions } from './cache-source.ts';
export { LeaseLostError, microTime, type LeaseOptions } from './leader-election.ts';
export * from './owner.ts';
export { quantityValue } from './quantity.ts';
export * from './apply.ts';
export * from './status.ts';
export * from './conditions.ts';
export * from './events.ts';
