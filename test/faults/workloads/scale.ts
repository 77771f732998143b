/** How many pods: by an autoscaler of somebody else, by load, to none and back, over a replaced spec, by a schedule. */
import { ownAddress } from '../../apiserver/running-gateway.ts';
import type { Moment } from '../driver/moments.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyStore, awaitsPods, awaitsStable } from './serve.ts';

const MODEL_VERSION = 'slipway.dev/modelversion';
/** Of pods of these versions it is known how many requests they have at a time: none is ever answered. */
const SILENT = 'silent-';
const FIRST = `${SILENT}1`;
const SECOND = `${SILENT}2`;

/** Clients at a time: they ask for more pods than there may be, so that it is known how many there will be. */
const CLIENTS = 16;
const MOST_PODS = 3;
const SCALING = { min: 0, max: MOST_PODS, target: { concurrency: 4 }, idleAfter: '10s' };
/** It began in January, and ends on a day that never comes. */
const ALWAYS = { from: '0 0 1 1 *', until: '0 0 31 2 *', timeZone: 'Etc/UTC' };

function specOf(version: string, scaling: object): object {
  return { modelVersion: { name: version }, runtime: { kind: 'ServingRuntime', name: 'silent' }, scaling };
}

function applyScaling(world: World, scaling: object, version = FIRST): Promise<void> {
  return world.apply('InferenceService', 'flights', { spec: specOf(version, scaling) });
}

function applySilentVersion(world: World, name: string, digest: string): Promise<void> {
  const artifact = { path: `models/${name}`, digest, format: 'LightGBM' };
  return world.apply('ModelVersion', name, { spec: { artifact } });
}

/** Why the service has not so many pods, or says something else. */
function awaitsScaled(world: World, wanted: number, version = FIRST): string | undefined {
  const service = world.get('InferenceService', 'flights');
  const { replicas } = (service?.spec?.['scaling'] ?? {}) as { readonly replicas?: number };
  return firstOf(
    awaitsPods(world, wanted),
    replicas === wanted ? undefined : `flights asks for ${replicas} pods; wanted ${wanted}`,
    awaitsCondition(service, 'Ready', 'True', wanted === 0 ? 'ScaledToZero' : 'UpToDate'),
    awaitsStable(world, version),
  );
}

/** Clients wait for their answers all the time. */
function keepsItsPods({ changed }: Moment): string | undefined {
  const replicas = changed.kind === 'Deployment' ? Number(changed.spec?.['replicas']) : MOST_PODS;
  return replicas < MOST_PODS ? `the Deployment has ${replicas} of ${MOST_PODS} replicas` : undefined;
}

export const workload: Workload = {
  name: 'scale',
  // It waits for most of a minute; the regression disturbs a write each time.
  sampled: 0,
  regressions: [
    // Who leads next looked before it knew the load, and then took what it did not know for nothing.
    'killAfter patch inferenceservices/scale flights #1',
  ],
  pods: ({ metadata: { labels }, spec }) =>
    labels?.[MODEL_VERSION]?.startsWith(SILENT) === true && spec?.containers[0]?.name !== 'batch'
      ? { kind: 'run', ready: true, ip: ownAddress() }
      : undefined,
  steps: [
    {
      name: 'serve',
      setsScene: true,
      async act(world) {
        await applyStore(world);
        const spec = { image: 'silent:1', formats: [{ name: 'LightGBM' }], ports: { http: world.silentPort() } };
        await world.apply('ServingRuntime', 'silent', { spec });
        await applySilentVersion(world, FIRST, DIGESTS.one);
        await world.apply('InferenceService', 'flights', { spec: specOf(FIRST, {}) });
      },
      pending: (world) => awaitsScaled(world, 1),
    },
    {
      name: 'scale as an autoscaler of Kubernetes does',
      act: (world) => world.scale('InferenceService', 'flights', 2),
      pending: (world) => awaitsScaled(world, 2),
    },
    {
      name: 'let it go to zero, where nobody asks',
      act: (world) => applyScaling(world, SCALING),
      pending: (world) => awaitsScaled(world, 0),
    },
    {
      name: 'ask',
      act: async (world) => world.ask('flights', CLIENTS),
      pending: (world) => awaitsScaled(world, MOST_PODS),
    },
    {
      name: 'replace the spec, which does not say how many',
      restores: 'ask',
      act: (world) => world.replace('InferenceService', 'flights', specOf(FIRST, SCALING)),
      pending: (world) => awaitsScaled(world, MOST_PODS),
      always: keepsItsPods,
    },
    {
      name: 'ask no more',
      restores: 'let it go to zero, where nobody asks',
      act: async (world) => world.ask('flights', 0),
      pending: (world) => awaitsScaled(world, 0),
    },
    {
      name: 'serve another version while there are no pods',
      async act(world) {
        await applySilentVersion(world, SECOND, DIGESTS.two);
        await applyScaling(world, SCALING, SECOND);
      },
      pending: (world) => awaitsScaled(world, 0, SECOND),
    },
    {
      name: 'have two by a schedule',
      act: (world) => applyScaling(world, { ...SCALING, schedule: [{ ...ALWAYS, min: 2 }] }, SECOND),
      pending: (world) => awaitsScaled(world, 2, SECOND),
    },
  ],
};
