/** The API server that all contenders work with, what the bench makes in it, and what it sees there. */
import { builtin, createKubeClient, type KubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import { Registry } from 'prom-client';
import { startControlPlane } from '../../apiserver/control-plane.ts';
import { eventually, silent } from '../../apiserver/operator/harness.ts';
import { isSettled, Note, noteDefinition, UNLIMITED } from './note.ts';

const NAMESPACE = 'default';
const CLIENTS = 16;
const WRITE = { fieldManager: 'bench' };

export interface World {
  readonly kubeconfigPath: string;
  readonly folder: string;
  /** YAML of a contender's. */
  apply(manifest: string): Promise<void>;
  makeNotes(count: number): Promise<void>;
  /** Resolves with the new generation, when the API server has answered. */
  touchNote(name: string, text: string): Promise<number>;
  makeConfigMaps(count: number): Promise<void>;
  removeAll(): Promise<void>;
  /** How often the API server was asked for one of the kinds at hand, other than to list or watch it. */
  requests(): Promise<number>;
  observeNotes(): Promise<NoteObserver>;
  stop(): Promise<void>;
}

export interface NoteObserver {
  /** Resolves as soon as the watch has told so much. */
  until(holds: (settledGenerations: ReadonlyMap<string, number>) => boolean): Promise<void>;
  stop(): Promise<void>;
}

export const noteName = (index: number) => `note-${String(index).padStart(5, '0')}`;

export async function startWorld(): Promise<World> {
  const plane = await startControlPlane();
  const kubeConfig = loadKubeConfig(plane.kubeconfigPath);
  const shared = { log: silent, clock: realClock, registry: new Registry() };
  const client = createKubeClient({ ...shared, kubeConfig, userAgent: 'bench', budget: UNLIMITED });
  const kubectl = async (args: readonly string[], stdin?: string) => {
    const { code, stdout, stderr } = await plane.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await kubectl(['apply', '-f', '-'], JSON.stringify(noteDefinition));
  await eventually('the kind Note is served', () => client.list(Note).catch(() => undefined));

  return {
    kubeconfigPath: plane.kubeconfigPath,
    folder: plane.folder,
    apply: async (manifest) => void (await kubectl(['apply', '-f', '-'], manifest)),
    makeNotes: (count) =>
      manyTimes(count, (index) => {
        const metadata = { namespace: NAMESPACE, name: noteName(index) };
        const note = {
          apiVersion: `${Note.group}/${Note.version}`,
          kind: Note.kind,
          metadata,
          spec: { text: 'first' },
        };
        return client.create(Note, note, WRITE);
      }),
    async touchNote(name, text) {
      const { metadata } = await client.mergePatch(Note, { namespace: NAMESPACE, name }, { spec: { text } }, WRITE);
      return metadata.generation ?? 0;
    },
    makeConfigMaps: (count) =>
      manyTimes(count, (index) => {
        const metadata = { namespace: NAMESPACE, name: `config-map-${index}` };
        const data = { text: `${index} `.padEnd(4096, 'x') };
        return client.create(builtin.ConfigMap, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, WRITE);
      }),
    async removeAll() {
      await kubectl(['delete', '--raw', `/apis/${Note.group}/${Note.version}/namespaces/${NAMESPACE}/${Note.plural}`]);
      await kubectl(['delete', '--raw', `/api/v1/namespaces/${NAMESPACE}/configmaps`]);
    },
    requests: async () => countRequests(await kubectl(['get', '--raw', '/metrics'])),
    observeNotes: () => observeNotes(client),
    async stop() {
      await client.close();
      await plane.stop();
    },
  };
}

async function manyTimes(count: number, make: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await make(index);
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
}

function countRequests(metrics: string): number {
  const lines = metrics.split('\n').filter((line) => {
    const [, resource = '', verb = ''] =
      /^apiserver_request_total\{.*,resource="([^"]*)".*,verb="([^"]*)"/.exec(line) ?? [];
    return ['configmaps', Note.plural].includes(resource) && !['LIST', 'WATCH'].includes(verb);
  });
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function observeNotes(client: KubeClient): Promise<NoteObserver> {
  const ending = new AbortController();
  const { resourceVersion } = await client.list(Note);
  const limits = { timeoutSeconds: 3600, idleTimeoutMs: 600_000 };
  const events = await client.watch(Note, { ...limits, resourceVersion, signal: ending.signal });
  const settled = new Map<string, number>();
  let look = () => {};

  async function follow(): Promise<void> {
    for await (const { type, object } of events) {
      if (type === 'BOOKMARK' || !isSettled(object)) continue;
      settled.set(object.metadata.name, object.metadata.generation ?? 0);
      look();
    }
  }
  const following = follow().catch((cause: unknown) => {
    if (!ending.signal.aborted) throw cause;
  });
  following.catch(() => {}); // nobody may be waiting just then

  return {
    async until(holds) {
      const told = new Promise<void>((resolve) => {
        look = () => {
          if (holds(settled)) resolve();
        };
        look();
      });
      const over = following.then(() => Promise.reject(new Error('the watch of the bench ended')));
      await Promise.race([told, over]);
    },
    async stop() {
      ending.abort();
      await following;
    },
  };
}
