/** How a prediction reaches a model server. */
import type { InferenceService } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { Pod } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { healthOf } from '../../cluster/conditions.ts';
import { findObject } from '../../cluster/find-object.ts';
import { isReady, portNamed, proxyPath } from '../../cluster/pods.ts';
import { CliError, UsageError } from '../../errors.ts';
import { createRestClient } from './rest-client.ts';
import type { Send } from './rest-client.ts';
import type { ModelClient } from './model-client.ts';
import { wake, wakesUp } from './wake.ts';
import type { Patience } from './wake.ts';

/** Longer than any inference that somebody waits for at a terminal. */
const TIMEOUT_MS = 60_000;

/** Through the API server to a ready pod of the revision that has the traffic. Waits for it where the service had none while nobody asked. */
export async function reachThroughApiServer(
  cluster: Cluster,
  service: string,
  patience: Patience,
): Promise<ModelClient> {
  const pod = await readyPod(cluster, service, patience);
  const port = portNamed(pod, 'http');
  if (port === undefined)
    throw new CliError(`Pod ${pod.metadata.name} has no port "http".`, 'Reach it with kubectl port-forward and --url.');
  const send: Send = ({ method, path, body }) =>
    cluster.api.request({
      method,
      path: proxyPath(pod, port, path),
      timeoutMs: TIMEOUT_MS,
      ...(body === undefined ? {} : { body }),
    });
  return createRestClient(send, service, `Pod ${pod.metadata.name}`);
}

async function readyPod(cluster: Cluster, service: string, patience: Patience): Promise<Pod> {
  const { object, pod } = await look(cluster, service);
  if (pod !== undefined) return pod;
  if (!wakesUp(object) || healthOf(object).state === 'wrong') throw nothingAnswers(object);
  await wake(cluster, service, patience);
  const later = await look(cluster, service);
  if (later.pod !== undefined) return later.pod;
  throw nothingAnswers(later.object);
}

interface Look {
  readonly object: InferenceService;
  readonly pod: Pod | undefined;
}

async function look(cluster: Cluster, name: string): Promise<Look> {
  const { client, namespace } = cluster;
  const object = (await findObject(cluster, { kind: 'InferenceService', name })) as InferenceService;
  const revision = object.status?.stable?.revision;
  const labelSelector = `slipway.dev/inferenceservice=${name}${revision === undefined ? '' : `,slipway.dev/revision=${revision}`}`;
  const { items } = await client.list(builtin.Pod, { namespace, labelSelector });
  return { object, pod: items.find(isReady) };
}

function nothingAnswers(object: InferenceService): CliError {
  const { name } = object.metadata;
  const { reason, message, state } = healthOf(object);
  const why = state === 'well' && reason !== 'ScaledToZero' ? '' : ` ${reason}: ${message}`;
  return new CliError(`No pod of "${name}" answers.${why}`, `See: slipway describe service ${name}`);
}

/** Straight to an address that a person names. */
export function reachByUrl(url: string, service: string): ModelClient {
  const base = parseUrl(url);
  const send: Send = async ({ method, path, body }) => {
    try {
      const answer = await fetch(new URL(`${base.pathname.replace(/\/+$/, '')}${path}`, base), {
        method,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      });
      return { status: answer.status, text: await answer.text() };
    } catch (cause) {
      const { cause: deeper } = cause as { cause?: unknown };
      const words = deeper instanceof Error && deeper.message !== '' ? deeper.message : (cause as Error).message;
      throw new CliError(
        `Nothing answers at ${base.origin}: ${words}`,
        'Is the port-forward running, and is it the port for HTTP?',
        { cause },
      );
    }
  };
  return createRestClient(send, service, base.origin);
}

function parseUrl(url: string): URL {
  const withScheme = /^https?:\/\//.test(url) ? url : `http://${url}`;
  if (URL.canParse(withScheme)) return new URL(withScheme);
  throw new UsageError(`--url cannot be "${url}".`, 'Give an address such as http://localhost:8080');
}

/** gRPC is HTTP/2 with trailers, which the API server's proxy does not pass on. */
export function refuseGrpcThroughApiServer(service: string, namespace: string): never {
  throw new UsageError(
    'gRPC does not go through the API server, so --grpc needs an address.',
    `In another terminal: kubectl port-forward -n ${namespace} $(kubectl get pod -n ${namespace} -l slipway.dev/inferenceservice=${service} -o name | head -1) 9000   then add: --url localhost:9000`,
  );
}
