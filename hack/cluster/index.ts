export { clusterUp } from './up.ts';
export { clusterDown } from './down.ts';
export { forwardService } from './forward.ts';
export { loadImages } from './load-images.ts';
export { kubectl } from './kubectl.ts';
export { clusterLayout } from './layout.ts';
export { runningCluster } from './state.ts';
