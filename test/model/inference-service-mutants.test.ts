/** A checker that finds nothing proves little: each of these operators is wrong in one way, and is caught. */
import { beforeEach, expect, it, vi } from 'vitest';
import type { planService } from '../../operator/src/controllers/inference-service/plan.ts';
import type { serviceStatus } from '../../operator/src/controllers/inference-service/status.ts';
import { explore } from './explore.ts';
import { isWrite } from './requests.ts';
import { deleteService, inferenceServiceModel, serve } from './inference-service-model.ts';
import type { ServiceModelOptions } from './inference-service-model.ts';

type Plan = typeof planService;
type Status = typeof serviceStatus;

interface Mutation {
  plan?: (real: Plan) => Plan;
  status?: (real: Status) => Status;
}

const current: { mutation: Mutation } = vi.hoisted(() => ({ mutation: {} }));

vi.mock(import('../../operator/src/controllers/inference-service/plan.ts'), async (original) => {
  const real = await original();
  return { ...real, planService: (...all) => (current.mutation.plan?.(real.planService) ?? real.planService)(...all) };
});

vi.mock(import('../../operator/src/controllers/inference-service/status.ts'), async (original) => {
  const real = await original();
  const status: Status = (...all) => (current.mutation.status?.(real.serviceStatus) ?? real.serviceStatus)(...all);
  return { ...real, serviceStatus: status };
});

beforeEach(() => void (current.mutation = {}));

vi.setConfig({ testTimeout: 180_000 });

const change: ServiceModelOptions = { settled: serve('v1'), script: [serve('v2')] };

it.each<[string, Mutation, ServiceModelOptions, RegExp]>([
  [
    'drops the old revision before the gateway has confirmed',
    { plan: (real) => (observed, context) => real({ ...observed, applied: [] }, context) },
    change,
    /is deleted while it has the traffic/,
  ],
  [
    'moves the traffic as soon as the candidate has a Deployment',
    {
      plan: (real) => (observed, context) => {
        const revisions = observed.revisions.map((revision) => ({ ...revision, ready: 1, listed: 1 }));
        return real({ ...observed, revisions }, context);
      },
    },
    change,
    /The traffic goes to flights-\w+, which never answered/,
  ],
  [
    'waits for a broken revision before it does what is asked for now',
    {
      plan: (real) => (observed, context) => {
        const plan = real(observed, context);
        const isBroken = observed.revisions.some(({ trouble }) => trouble !== undefined);
        return isBroken ? { ...plan, apply: [], owedRollout: undefined, newRollout: undefined, prune: [] } : plan;
      },
    },
    { ...change, script: [serve('broken'), serve('v2')] },
    /It is not Ready/,
  ],
  [
    'tells the time in its status',
    {
      status: (real) => (observed, context) => {
        const status = real(observed, context);
        const message = `Looked at ${context.now.toISOString()}`;
        return status && { ...status, conditions: status.conditions.map((one) => ({ ...one, message })) };
      },
    },
    change,
    /an hour later something happens again/,
  ],
  [
    'leaves what it made before to others',
    { plan: (real) => (observed, context) => ({ ...real(observed, context), prune: [] }) },
    change,
    /There are Deployments of \[v1, v2\]/,
  ],
])('an operator that %s', async (_, mutation, options, expected) => {
  current.mutation = mutation;
  const { failure } = await explore(inferenceServiceModel(options));
  expect(failure?.what).toMatch(expected);
});

it('an operator that ignores the uid', async () => {
  const { failure } = await explore(
    inferenceServiceModel({
      // Without its route it would start a pod once more: a write to a child that is about to go.
      settled: serve('v1', 0),
      script: [deleteService],
      hasSlowReads: true,
      faults: { staleKinds: 1 },
      mayFallBehind: ['InferenceService'],
      tamper: ({ ...request }) => (isWrite(request) ? { ...request, uid: undefined, version: undefined } : request),
    }),
  );
  expect(failure?.what).toMatch(/is made again for an owner that was gone/);
});
