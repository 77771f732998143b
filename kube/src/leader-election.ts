import type { Registry } from 'prom-client';
import { builtin, type Lease } from './builtin-kinds.ts';
import type { KubeClient } from './client.ts';
import { type Clock, sleep } from './clock.ts';
import { ignoreNotFound, KubeApiError } from './errors.ts';
import { gauge } from './metrics.ts';
import type { Logger, ObjectKey } from './types.ts';

/** Only one process of a group works at a time. The figures are client-go's. */
export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: two with the same identity would both lead. */
  readonly identity: string;
  /** Others may take the lease when it was not renewed for so long, in milliseconds. Default 15,000. */
  readonly leaseMs?: number;
  /** The leader gives up when it could not renew for so long. Must be well below `leaseMs`. Default 10,000. */
  readonly renewDeadlineMs?: number;
  /** Between two tries to take or renew. Default 2,000. */
  readonly retryMs?: number;
}

export interface LeaderElectionDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly registry: Registry;
}

/** The lease could not be renewed in time, or somebody else holds it: another process may work now. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';
}

/**
 * Waits for the lease, runs `lead` while it is held, and gives it back when `lead` resolves, so that the next process
 * starts at once. Resolves also when `stop` aborts while waiting.
 *
 * When the lease is lost, `lead`'s signal aborts; the promise rejects with LeaseLostError as soon as `lead` has ended,
 * and at the latest when the lease runs out: from then on the caller must not work any more (main exits).
 */
export async function runWithLease(
  deps: LeaderElectionDeps,
  lease: LeaseOptions,
  stop: AbortSignal,
  lead: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  const election = createElection(deps, lease);
  if (!(await election.acquire(stop))) return;
  const lost = new AbortController();
  const over = new AbortController();
  const leading = lead(lost.signal).finally(() => over.abort());
  leading.catch(() => {}); // it is awaited below; until then a rejection must not end the process
  const why = await election.renewUntilLost(over.signal);
  if (why !== undefined) {
    election.resign(why);
    const error = new LeaseLostError(why);
    lost.abort(error);
    await Promise.race([leading.catch(() => {}), sleep(deps.clock, election.untilExpiryMs(), over.signal)]);
    throw error;
  }
  try {
    await leading;
  } finally {
    await election.release();
  }
}

interface Election {
  /** True when the lease is ours, false when the signal aborted. */
  acquire(stop: AbortSignal): Promise<boolean>;
  /** Resolves with the reason when the lease is lost, with undefined when the signal aborts. */
  renewUntilLost(over: AbortSignal): Promise<string | undefined>;
  release(): Promise<void>;
  resign(why: string): void;
  untilExpiryMs(): number;
}

function createElection(deps: LeaderElectionDeps, options: LeaseOptions): Election {
  const { client, clock } = deps;
  const { identity, leaseMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = options;
  const key: ObjectKey = { namespace: options.namespace, name: options.name };
  const log = deps.log.child({ lease: `${options.namespace}/${options.name}`, identity });
  const master = createMasterGauge(deps.registry, options.name);
  // Another holder's clock may be wrong, so its lease counts from when *we* last saw it change.
  let seen: { readonly lease: Lease; readonly at: number } | undefined;
  let renewedAt = -Infinity;
  let leading = false;

  function observe(lease: Lease): Lease {
    if (seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion)
      seen = { lease, at: clock.now().getTime() };
    return lease;
  }

  /**
   * One try to take or renew the lease; false when it is not ours. Rejects when there was no answer. Who leads never takes
   * a lease back that it finds free, or gone: somebody may have worked in between.
   */
  async function tryHold(signal: AbortSignal): Promise<boolean> {
    const start = clock.now();
    // While we hold it, one write is enough: a Conflict tells that what we saw is old.
    if (seen === undefined || !isOurs(seen.lease)) {
      const found = await ignoreNotFound(client.get(builtin.Lease, key, { signal }));
      if (found === undefined) return leading ? false : create(start, signal);
      observe(found);
    }
    const { lease, at } = seen as NonNullable<typeof seen>;
    const expiresAt = at + (lease.spec?.leaseDurationSeconds ?? 0) * 1000;
    if (!isOurs(lease) && (leading || (!isFree(lease) && start.getTime() < expiresAt))) return false;
    const patch = { metadata: preconditionsOf(lease), spec: holding(lease, start) };
    observe(await client.mergePatch(builtin.Lease, key, patch, { fieldManager: FIELD_MANAGER, signal }));
    renewedAt = start.getTime();
    return true;
  }

  async function create(now: Date, signal: AbortSignal): Promise<boolean> {
    const lease: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: options.name, namespace: options.namespace },
      spec: holding(undefined, now),
    };
    observe(await client.create(builtin.Lease, lease, { fieldManager: FIELD_MANAGER, signal }));
    renewedAt = now.getTime();
    return true;
  }

  function holding(previous: Lease | undefined, now: Date): NonNullable<Lease['spec']> {
    const same = previous !== undefined && isOurs(previous);
    const transitions = previous?.spec?.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      renewTime: microTime(now),
      ...(same ? {} : { acquireTime: microTime(now), leaseTransitions: previous === undefined ? 0 : transitions + 1 }),
    };
  }

  function isOurs(lease: Lease): boolean {
    return lease.spec?.holderIdentity === identity;
  }

  /** tryHold with a time limit, and once more when it acted on an old version; undefined when it failed. */
  async function tryHoldWithin(ms: number): Promise<boolean | undefined> {
    const limit = new AbortController();
    const timer = clock.setTimeout(() => limit.abort(new Error('took too long')), Math.max(0, ms));
    try {
      return await tryHold(limit.signal).catch((cause: unknown) => {
        if (seen === undefined || !isStale(cause)) throw cause;
        seen = undefined; // so that the next try reads what is there
        return tryHold(limit.signal);
      });
    } catch (cause) {
      log.info({ why: cause instanceof Error ? cause.message : String(cause) }, 'could not take or renew the lease');
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  return {
    async acquire(stop) {
      log.info({}, 'waiting for the lease');
      while (!stop.aborted) {
        if ((await tryHoldWithin(renewDeadlineMs)) === true) {
          log.info({}, 'holding the lease');
          master.set(1);
          leading = true;
          return true;
        }
        await sleep(clock, retryMs * (1 + deps.random() * 0.2), stop);
      }
      return false;
    },
    async renewUntilLost(over) {
      for (;;) {
        await sleep(clock, retryMs, over);
        if (over.aborted) return undefined;
        const deadline = renewedAt + renewDeadlineMs;
        const held = await tryHoldWithin(deadline - clock.now().getTime());
        if (held === false) return 'the lease is no longer ours';
        if (clock.now().getTime() >= renewedAt + renewDeadlineMs)
          return `the lease was not renewed for ${renewDeadlineMs} ms`;
      }
    },
    async release() {
      master.set(0);
      if (seen === undefined) return;
      const now = clock.now();
      const spec = {
        holderIdentity: null,
        leaseDurationSeconds: 1,
        renewTime: microTime(now),
        acquireTime: microTime(now),
      };
      const patch = { metadata: preconditionsOf(seen.lease), spec };
      const limit = new AbortController();
      const timer = clock.setTimeout(() => limit.abort(), retryMs);
      await client
        .mergePatch(builtin.Lease, key, patch, { fieldManager: FIELD_MANAGER, signal: limit.signal })
        .then(() => log.info({}, 'gave the lease back'))
        .catch((cause: unknown) => log.warn({ err: cause }, 'could not give the lease back; it runs out by itself'));
      timer.cancel();
    },
    resign(why) {
      master.set(0);
      log.error({ why }, 'lost the lease');
    },
    untilExpiryMs: () => Math.max(0, renewedAt + leaseMs - clock.now().getTime()),
  };
}

const FIELD_MANAGER = 'leader-election';

function isStale(cause: unknown): boolean {
  return cause instanceof KubeApiError && (cause.isConflict || cause.isNotFound);
}

function isFree(lease: Lease): boolean {
  return (lease.spec?.holderIdentity ?? '') === '';
}

function preconditionsOf({ metadata: { uid, resourceVersion } }: Lease): object {
  return { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}

/** RFC 3339 with six digits: what the API's MicroTime takes. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}

function createMasterGauge(registry: Registry, name: string): { set(value: number): void } {
  const master = gauge(registry, {
    name: 'leader_election_master_status',
    help: 'Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master.',
    labelNames: ['name'],
  });
  master.set({ name }, 0);
  return { set: (value) => master.set({ name }, value) };
}
