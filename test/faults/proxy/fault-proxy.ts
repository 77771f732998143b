/**
 * A proxy in front of a Kubernetes API server that makes chosen requests go wrong: crashes at every point, lost answers, late
 * writes, broken watches. Without a plan it changes, loses and reorders nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseApiRequest, withNameFromBody } from './api-request.ts';
import type { Certificate } from './certificate.ts';
import type { Exchange } from './exchange.ts';
import { createExpiry } from './expiry.ts';
import { createJournal } from './journal.ts';
import type { Journal } from './journal.ts';
import { decide, NO_FAULTS } from './plan.ts';
import type { Counts, Fault, Plan } from './plan.ts';
import { kubeconfigFor, listen } from './server.ts';
import { forward, refuseForgotten, strike } from './strikes.ts';
import type { StrikeDeps } from './strikes.ts';
import { createUpstream, readAll } from './upstream.ts';

export interface FaultProxyOptions {
  readonly upstream: { readonly server: string; readonly ca: string };
  /** What the proxy shows to clients. */
  readonly certificate: Certificate;
  readonly plan?: Plan;
  /** Kills the client under test; resolves once it is dead. Needed by the plans that kill. */
  readonly kill?: () => Promise<void>;
  /** Milliseconds; for the journal. */
  readonly now?: () => number;
}

export interface FaultProxy {
  readonly url: string;
  readonly journal: Journal;
  /** The faults that have struck so far. A plan whose fault never struck has tested nothing. */
  readonly struck: readonly Fault[];
  /** Takes a new plan; counting begins anew. */
  arm(plan: Plan): void;
  /** How many requests `lateWrite` and `hold` keep. */
  held(): number;
  /** Forwards what `lateWrite` and `hold` kept, in the order in which it came; resolves with the codes of the answers. */
  release(): Promise<number[]>;
  /** For a client of the proxy, with its credentials. */
  kubeconfig(token: string): string;
  close(): Promise<void>;
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { certificate, now = () => performance.now() } = options;
  const held: (() => Promise<number>)[] = [];
  const struck: Fault[] = [];
  const deps: StrikeDeps = {
    upstream: createUpstream(options.upstream.server, options.upstream.ca),
    journal: createJournal(now),
    expiry: createExpiry(),
    kill: options.kill ?? cannotKill,
    held,
    struck,
  };
  let plan = options.plan ?? NO_FAULTS;
  let counts: Counts = [];

  async function serve(incoming: Exchange['incoming'], outgoing: Exchange['outgoing']): Promise<void> {
    const exchange = { ...(await toExchange(incoming, outgoing)), mark: deps.journal.arrived() };
    const decision = decide(plan, counts, exchange.request);
    counts = decision.counts;
    const url = incoming.url ?? '/';
    if (exchange.request.verb === 'list') deps.expiry.listed(url);
    if (exchange.request.verb === 'watch' && deps.expiry.isForgotten(url)) await refuseForgotten(deps, exchange);
    else if (decision.fault === undefined) await forward(deps, exchange);
    else await strike(deps, exchange, decision.fault);
  }

  const server = await listen(certificate, (incoming, outgoing) => {
    serve(incoming, outgoing).catch((cause: unknown) => {
      // A client that dies in the middle of its request is no news; anything else is a defect of the proxy.
      if (!incoming.destroyed) console.error('the fault proxy failed', cause);
      incoming.socket.destroy();
    });
  });
  return {
    url: server.url,
    journal: deps.journal,
    struck,
    arm(next) {
      plan = next;
      counts = [];
    },
    held: () => held.length,
    async release() {
      const codes: number[] = [];
      for (const deliver of held.splice(0)) codes.push(await deliver());
      return codes;
    },
    kubeconfig: (token) => kubeconfigFor(server.url, certificate, token),
    async close() {
      await server.close();
      deps.upstream.close();
    },
  };
}

async function cannotKill(): Promise<void> {
  throw new Error('the plan kills, but the proxy was started without `kill`');
}

async function toExchange(
  incoming: Exchange['incoming'],
  outgoing: Exchange['outgoing'],
): Promise<Omit<Exchange, 'mark'>> {
  const gone = new AbortController();
  (outgoing as ServerResponse).on('close', () => gone.abort());
  (outgoing as ServerResponse).on('error', () => gone.abort());
  const body = await readAll(incoming as IncomingMessage);
  const contentType = incoming.headers['content-type'] ?? '';
  const request = parseApiRequest(incoming.method ?? 'GET', incoming.url ?? '/', contentType);
  return { incoming, outgoing, body, request: withNameFromBody(request, body), gone: gone.signal };
}
