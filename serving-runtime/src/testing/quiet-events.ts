import type { EngineEvents } from '../engine/engine.ts';

const nothing = () => {};

/** For an engine whose events a test does not look at, or only at some of them. */
export const QUIET_EVENTS: EngineEvents = {
  loading: nothing,
  loaded: nothing,
  loadFailed: nothing,
  unusable: nothing,
  evicted: nothing,
  instanceLost: nothing,
  runFailed: nothing,
  stepReady: nothing,
  stepNotReady: nothing,
  stepFailed: nothing,
  stepAsked: nothing,
};
