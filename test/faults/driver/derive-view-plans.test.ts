import { describe, expect, it } from 'vitest';
import { parseApiRequest } from '../proxy/api-request.ts';
import { createJournal } from '../proxy/journal.ts';
import type { Entry } from '../proxy/journal.ts';
import { deriveLags, deriveStarts, deriveViews } from './derive-view-plans.ts';

/** A journal in which these were watched, each with so many events. */
function watched(...watches: readonly (readonly [path: string, events: number])[]): readonly Entry[] {
  const journal = createJournal(() => 0);
  for (const [path, events] of watches) {
    const request = parseApiRequest('GET', path);
    const nothing = Buffer.alloc(0);
    journal.answered({ mark: 0, request, userAgent: '', body: nothing, status: 200, response: nothing, fault: '' });
    for (let event = 0; event < events; event++) journal.watched(request, Buffer.from('{"type":"ADDED"}\n'));
  }
  return journal.entries;
}

describe('deriveLags', () => {
  it('makes one plan for each kind of which something was told, however often it was watched', () => {
    const journal = watched(
      ['/api/v1/pods?watch=1', 1],
      ['/api/v1/namespaces/a/pods?watch=1', 0],
      ['/api/v1/services?watch=1', 0],
      ['/apis/batch/v1/jobs?watch=1', 1],
    );

    expect(deriveLags(journal, 700).map(({ name }) => name)).toEqual(['lag watch pods every', 'lag watch jobs every']);
  });
});

const watchedPods = (events: number) => watched(['/api/v1/pods?watch=1', events]);

describe('deriveViews', () => {
  const names = (events: number) => deriveViews(watchedPods(events)).map(({ name }) => name);

  it('breaks watches in every way', () => {
    expect(names(2)).toEqual([
      'halfLine watch pods every',
      'goneInStream watch pods every, smallPages list pods every',
      'dupEvent watch pods every',
    ]);
  });

  it('leaves out what could not strike', () => {
    expect(names(1)).toEqual(['dupEvent watch pods every']);
    expect(names(0)).toEqual([]);
  });
});

describe('deriveStarts', () => {
  const names = (events: number) => deriveStarts(watchedPods(events)).map(({ name }) => name);

  it('refuses the first watch, and fails the first list in every way', () => {
    expect(names(1)).toEqual([
      'goneHTTP watch pods #1',
      'status(429) list pods #1',
      'status(500) list pods #1',
      'reset list pods #1',
    ]);
  });

  it('leaves out kinds of which there is nothing', () => {
    expect(names(0)).toEqual([]);
  });
});
