import { describe, expect, it } from 'vitest';
import { parseApiRequest } from './api-request.ts';
import { createJournal, isRequest } from './journal.ts';
import type { Journal } from './journal.ts';

const COLLECTION = '/api/v1/namespaces/team/configmaps';
const apply = parseApiRequest('PATCH', `${COLLECTION}/a`, 'application/apply-patch+yaml');
const watch = parseApiRequest('GET', `${COLLECTION}?watch=true`);

function version(resourceVersion: number): object {
  return { metadata: { name: 'a', namespace: 'team', uid: 'u', resourceVersion: String(resourceVersion) } };
}

function answered(journal: Journal, mark: number, body: object, status = 200): void {
  const response = Buffer.from(JSON.stringify(body));
  journal.answered({ mark, request: apply, userAgent: 'test', body: Buffer.from('{}'), status, response, fault: '' });
}

function seen(journal: Journal, resourceVersion: number): void {
  journal.watched(watch, Buffer.from(`${JSON.stringify({ type: 'MODIFIED', object: version(resourceVersion) })}\n`));
}

function effects(journal: Journal): boolean[] {
  return journal.entries.filter(isRequest).map(({ effective }) => effective);
}

describe('effective', () => {
  it('is a write whose event came before its answer', () => {
    const journal = createJournal(() => 0);
    seen(journal, 4);
    const mark = journal.arrived();
    seen(journal, 5);
    answered(journal, mark, version(5));

    expect(effects(journal)).toEqual([true]);
  });

  it('is no write that left the object as it was', () => {
    const journal = createJournal(() => 0);
    seen(journal, 5);
    answered(journal, journal.arrived(), version(5));

    expect(effects(journal)).toEqual([false]);
  });

  it('is not fooled by an old event that comes late', () => {
    const journal = createJournal(() => 0);
    seen(journal, 9);
    seen(journal, 7);
    answered(journal, journal.arrived(), version(9));

    expect(effects(journal)).toEqual([false]);
  });

  it('is no write that was refused', () => {
    const journal = createJournal(() => 0);
    answered(journal, journal.arrived(), version(5), 409);

    expect(effects(journal)).toEqual([false]);
  });
});

it('an entry tells which life of the program sent it, whenever it is answered', () => {
  const journal = createJournal(() => 0);
  answered(journal, journal.arrived(), version(1));
  const late = journal.arrived();
  journal.nextIncarnation();
  seen(journal, 2);
  answered(journal, late, version(3));
  answered(journal, journal.arrived(), version(4));

  expect(journal.entries.map(({ incarnation, seq }) => [incarnation, seq])).toEqual([
    [1, 0],
    [2, 1],
    [1, 2],
    [2, 3],
  ]);
});

it('is not idle while a client that was started again has said nothing', () => {
  let now = 0;
  const journal = createJournal(() => now);
  answered(journal, journal.arrived(), version(1));
  now = 500;
  expect(journal.idleMs()).toBe(500);

  const late = journal.arrived();
  journal.nextIncarnation();
  now = 900;
  answered(journal, late, version(1));
  expect([journal.isHeard(), journal.idleMs()]).toEqual([false, 0]);
  answered(journal, journal.arrived(), version(1));
  now = 1_000;
  expect(journal.idleMs()).toBe(100);
});
