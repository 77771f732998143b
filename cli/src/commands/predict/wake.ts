/** How a service that has no pod while nobody asks gets one: a request waits for it at a gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { InferenceService } from '@slipway/crds';
import type { RawAnswer } from '../../cluster/api-server.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { createGatewayReader } from '../../cluster/gateways.ts';
import type { ServiceRequest } from '../../cluster/gateways.ts';
import { CliError } from '../../errors.ts';
import { wordsOf } from './rest-client.ts';

export interface Patience {
  /** Until there is a pod. */
  readonly timeoutMs: number;
  /** Is told, again and again, that it still waits. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

const TELL_EVERY_MS = 3_000;
/** After a gateway that refuses at once, because too many wait already. */
const PAUSE_MS = 1_000;

/** Whether the operator gives it pods when requests wait: the same as for the operator itself. */
export function wakesUp({ spec, status }: InferenceService): boolean {
  const { min, target } = spec.scaling;
  return min === 0 && target !== undefined && status?.stable !== undefined;
}

/** Resolves once a pod has answered. Rejects with CliError where none does in time, or no gateway can be asked. */
export async function wake(cluster: Cluster, service: string, patience: Patience): Promise<void> {
  const { timeoutMs, note, signal } = patience;
  const startedAt = performance.now();
  const waited = () => performance.now() - startedAt;
  note(`"${service}" has no pod while nobody asks: waiting for the first one\n`);
  const tell = () => note(`waiting for the first pod, ${Math.round(waited() / 1000)} s\n`);
  const timer = setInterval(tell, TELL_EVERY_MS);
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const ends = AbortSignal.any([signal, timeout]);
    while (!(await isAnswered(cluster, service, ends))) await sleep(PAUSE_MS, undefined, { signal: ends });
  } catch (cause) {
    if (!timeout.aborted || cause instanceof CliError) throw cause;
    throw new CliError(
      `No pod of "${service}" answered within ${timeoutMs / 1000} s.`,
      `Wait longer with --timeout SECONDS, or see why: slipway describe service ${service}`,
      { cause },
    );
  } finally {
    clearInterval(timer);
  }
}

/** False where the gateway gave up waiting. */
async function isAnswered(cluster: Cluster, service: string, signal: AbortSignal): Promise<boolean> {
  const host = `${service}.${cluster.namespace}.svc`;
  const path = `/v2/models/${encodeURIComponent(service)}`;
  const answer = await askAnyGateway(cluster, service, { host, path, signal });
  if (answer.status === 503) return false;
  if (answer.status < 400) return true;
  throw refusal(answer, service);
}

async function askAnyGateway(cluster: Cluster, service: string, request: ServiceRequest): Promise<RawAnswer> {
  const reader = createGatewayReader(cluster);
  for (const gateway of await reader.find(cluster.namespace)) {
    const answer = await reader.askService(gateway, request);
    if (answer !== undefined) return answer;
  }
  const why = reader.obstacles().join(' ');
  throw new CliError(
    `"${service}" has no pod, and no gateway can be asked to wake it.${why === '' ? ' None is there.' : ` ${why}`}`,
    `Any request to http://${request.host} from within the cluster wakes it, too; then ask again.`,
  );
}

function refusal(answer: RawAnswer, service: string): CliError {
  const words = `The gateway does not wake "${service}" (${answer.status}): ${wordsOf(answer)}`;
  const hint =
    answer.status === 401
      ? 'It has access, and no token passes through the API server: ask it with one at its own address, then again here.'
      : `See: slipway describe service ${service}`;
  return new CliError(words, hint);
}
