/**
 * Pods that answer: each has an address of its own on the loopback of this machine, where servers say which revision they are.
 * A pod that is gone answers no more.
 */
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Server } from 'node:http2';
import { builtin } from '@slipway/kube';
import type { DeepReadonly, KubeClient, Pod } from '@slipway/kube';
import { REVISION_LABEL } from '../../../operator/src/labels.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import type { PodScript } from './kubelet.ts';

const HTTP_PORT = 8080;
const GRPC_PORT = 9000;

interface Answering {
  readonly ip: string;
  readonly servers: readonly (Server | Http2Server)[];
  isListening: boolean;
}

export interface AnsweringPods {
  /** One of a Job ends well; another is ready once its servers listen. */
  readonly script: PodScript;
  /** Ends the servers of pods that are gone, from now on. */
  follow(client: KubeClient): void;
  stop(): void;
}

/** Why there can be none here; undefined where they can. */
export function answeringPodsObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, for addresses of pods (try sudo)';
  try {
    setAddress('add', '10.1.251.254');
    setAddress('del', '10.1.251.254');
    return undefined;
  } catch (cause) {
    return `cannot add an address to the loopback: ${(cause as Error).message}`;
  }
}

/** The status with which a pod answers a request over HTTP. */
export type StatusOf = (pod: DeepReadonly<Pod>, request: IncomingMessage) => Promise<number>;

export function createAnsweringPods(statusOf: StatusOf = () => Promise.resolve(200)): AnsweringPods {
  const pods = new Map<string, Answering>();
  let timer: NodeJS.Timeout | undefined;
  let made = 0;

  function start(asked: DeepReadonly<Pod>): Answering {
    const revision = asked.metadata.labels?.[REVISION_LABEL] ?? '';
    made += 1;
    const ip = `10.1.251.${made}`;
    setAddress('add', ip);
    const rest = createServer(async (request, response) => {
      const status = await statusOf(asked, request);
      response.writeHead(status).end(status === 200 ? revision : 'refused by the pod');
    });
    const grpc = createHttp2Server((_, response) => {
      response.writeHead(200, { 'content-type': 'application/grpc', 'x-revision': revision });
      response.end();
    });
    const pod = { ip, servers: [rest, grpc], isListening: false };
    rest.listen(HTTP_PORT, ip, () => grpc.listen(GRPC_PORT, ip, () => (pod.isListening = true)));
    return pod;
  }

  function end(uid: string, { ip, servers }: Answering): void {
    pods.delete(uid);
    for (const server of servers) {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }
    setAddress('del', ip);
  }

  return {
    script: (pod) => {
      if (pod.spec?.containers[0]?.name === 'batch') return podScript(pod);
      const { uid = '' } = pod.metadata;
      const found = pods.get(uid) ?? start(pod);
      pods.set(uid, found);
      return found.isListening ? { kind: 'run', ready: true, ip: found.ip } : { kind: 'wait' };
    },
    follow(client) {
      const look = async () => {
        const before = [...pods];
        const { items } = await client.list(builtin.Pod);
        const there = new Set(items.map(({ metadata }) => metadata.uid));
        for (const [uid, pod] of before) if (!there.has(uid)) end(uid, pod);
      };
      timer = setInterval(() => void look().catch(() => undefined), 200);
    },
    stop() {
      clearInterval(timer);
      for (const [uid, pod] of pods) end(uid, pod);
    },
  };
}

function setAddress(action: 'add' | 'del', ip: string): void {
  execFileSync('ip', ['address', action, `${ip}/32`, 'dev', 'lo'], { stdio: 'pipe' });
}
