export { startTracing } from './start-tracing.ts';
export type { Tracing, TracingOptions } from './start-tracing.ts';
