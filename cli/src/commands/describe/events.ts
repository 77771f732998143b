import { builtin } from '@slipway/kube';
import type { DeepReadonly, Event } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { age } from '../../terminal/age.ts';
import type { Table } from '../../terminal/table.ts';

const MOST_EVENTS = 10;

/** Events about these objects; none for a person who may not read Events. */
export async function readEvents({ client, namespace }: Cluster, uids: ReadonlySet<string>): Promise<Event[]> {
  const { items } = await client.list(builtin.Event, { namespace }).catch(() => ({ items: [] as Event[] }));
  return items.filter(({ regarding }) => uids.has(regarding?.uid ?? ''));
}

/** The newest last, as in a log. */
export function eventTable(events: readonly DeepReadonly<Event>[], now: Date): Table | undefined {
  const newest = [...events].sort((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1)).slice(-MOST_EVENTS);
  if (newest.length === 0) return undefined;
  return {
    head: ['AGE', 'TYPE', 'OBJECT', 'REASON', 'MESSAGE'],
    rows: newest.map((event) => [
      { text: age(lastSeen(event), now) },
      event.type === 'Warning' ? { text: 'Warning', colour: 'yellow' } : { text: event.type ?? '' },
      { text: `${event.regarding?.kind ?? ''} ${event.regarding?.name ?? ''}` },
      { text: event.reason ?? '' },
      { text: event.note ?? '' },
    ]),
  };
}

type WithDeprecated = DeepReadonly<Event> & { readonly deprecatedLastTimestamp?: string | null };

/** Components that still write the old kind of Event leave `eventTime` empty. */
function lastSeen(event: WithDeprecated): string {
  const { series, eventTime, deprecatedLastTimestamp, metadata } = event;
  return series?.lastObservedTime ?? (eventTime || deprecatedLastTimestamp || metadata.creationTimestamp || '');
}
