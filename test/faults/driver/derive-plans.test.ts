import { describe, expect, it } from 'vitest';
import { parseApiRequest } from '../proxy/api-request.ts';
import { createJournal } from '../proxy/journal.ts';
import type { Journal } from '../proxy/journal.ts';
import type { Plan } from '../proxy/plan.ts';
import { deriveOutages, derivePlans, samplePlans } from './derive-plans.ts';

const PATH = '/apis/apps/v1/namespaces/run-1/deployments/a';

/** Says to the journal that this was sent, and answered with an object of this version. */
function sent(journal: Journal, path: string, version: number, status = 200): void {
  const request = parseApiRequest('PATCH', path, 'application/apply-patch+yaml');
  const object = { metadata: { uid: path.split('/').at(-1), resourceVersion: String(version) } };
  const response = Buffer.from(JSON.stringify(object));
  const mark = journal.arrived();
  journal.answered({ mark, request, userAgent: '', body: Buffer.alloc(0), status, response, fault: '' });
}

describe('derivePlans', () => {
  const journal = createJournal(() => 0);
  sent(journal, PATH, 5, 201);
  sent(journal, PATH, 5); // without effect
  sent(journal, PATH, 8);
  sent(journal, '/apis/coordination.k8s.io/v1/namespaces/run-1/leases/operator', 9);
  sent(journal, '/apis/events.k8s.io/v1/namespaces/run-1/events/e', 10);
  sent(journal, '/apis/apps/v1/namespaces/run-1/deployments/b', 11, 409);

  it('takes each write that had an effect, with each action, counted as the proxy counts', () => {
    const plans = derivePlans(journal.entries, () => [{ kind: 'killBefore' }, { kind: 'killAfter' }]);

    expect(plans.map(({ name }) => name)).toEqual([
      'killBefore apply deployments a #1',
      'killAfter apply deployments a #1',
      'killBefore apply deployments a #3',
      'killAfter apply deployments a #3',
    ]);
    expect(plans[0]?.faults[0]?.match).not.toHaveProperty('namespace');
  });

  it('takes of each write only the actions that it is asked to', () => {
    const plans = derivePlans(journal.entries, ({ seq }) => (seq < 2 ? [] : [{ kind: 'killAfter' }]));

    expect(plans.map(({ name }) => name)).toEqual(['killAfter apply deployments a #3']);
  });
});

describe('deriveOutages', () => {
  const journal = createJournal(() => 0);
  sent(journal, PATH, 5, 201);
  sent(journal, '/apis/apps/v1/namespaces/run-1/deployments/b', 6, 201);
  sent(journal, '/apis/apps/v1/namespaces/run-1/deployments/b/status', 7);
  const names = (sceneEntries: number) => deriveOutages(journal.entries, sceneEntries).map(({ name }) => name);

  it('makes one plan for each sort of write, whatever the names', () => {
    expect(names(0)).toEqual(['status(503) apply deployments #1×8', 'status(503) apply deployments/status #1×8']);
  });

  it('leaves out the sorts that the scene began with', () => {
    expect(names(1)).toEqual(['status(503) apply deployments/status #1×8']);
  });
});

describe('samplePlans', () => {
  const plans: Plan[] = Array.from({ length: 10 }, (_, index) => ({ name: `${index}`, faults: [] }));
  const names = (count: number, seed: number) => samplePlans(plans, count, seed).map(({ name }) => name);

  it('takes plans at equal distances', () => {
    expect(names(3, 0)).toEqual(['0', '3', '6']);
  });

  it('moves with the seed, and gives every plan its turn', () => {
    const seen = new Set([0, 1, 2, 3].flatMap((seed) => names(3, seed)));

    expect(seen.size).toBe(10);
  });

  it('takes all when there are not more', () => {
    expect(names(20, 4)).toHaveLength(10);
  });
});
