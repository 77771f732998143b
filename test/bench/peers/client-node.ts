/** The bench's contender on @kubernetes/client-node: `reconcile WORKERS` or `sync`, with $KUBECONFIG. */
import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
} from '@kubernetes/client-node';

interface Note extends KubernetesObject {
  spec: { text: string };
  status?: { ready?: boolean; observedGeneration?: number };
}

const NOTES = { group: 'bench.slipway.dev', version: 'v1', plural: 'notes' };
const TYPE = { apiVersion: 'bench.slipway.dev/v1', kind: 'Note' };
const NAME = 'note.lifecycle';
const APPLY = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);
const [job, workers] = process.argv.slice(2);
process.once('SIGTERM', () => process.exit());

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const core = kubeConfig.makeApiClient(CoreV1Api);
const custom = kubeConfig.makeApiClient(CustomObjectsApi);
const configMaps = makeInformer<V1ConfigMap>(kubeConfig, '/api/v1/configmaps', () =>
  core.listConfigMapForAllNamespaces(),
);
const notes = makeInformer<Note>(kubeConfig, `/apis/${NOTES.group}/${NOTES.version}/${NOTES.plural}`, () =>
  custom.listClusterCustomObject(NOTES),
);
for (const informer of [configMaps, notes]) informer.on('error', (cause: unknown) => console.error(cause));

// The library has neither queue nor workers, so who uses it writes some such.
const waiting = new Set<string>();
const working = new Set<string>();

if (job === 'sync') {
  await configMaps.start();
  console.log('filled', configMaps.list().length);
} else {
  configMaps.on('change', ({ metadata }) => wake(metadata?.namespace, metadata?.name));
  notes.on('change', ({ metadata }) => wake(metadata?.namespace, metadata?.name));
  await configMaps.start();
  await notes.start();
}

function wake(namespace = '', name = ''): void {
  waiting.add(`${namespace}/${name}`);
  work();
}

function work(): void {
  for (const key of waiting) {
    if (working.size >= Number(workers)) return;
    if (working.has(key)) continue;
    waiting.delete(key);
    working.add(key);
    void workOn(key);
  }
}

async function workOn(key: string): Promise<void> {
  const [namespace = '', name = ''] = key.split('/');
  try {
    await reconcile(namespace, name);
  } catch (cause) {
    console.error(key, cause);
    setTimeout(() => wake(namespace, name), 1000);
  }
  working.delete(key);
  work();
}

async function reconcile(namespace: string, name: string): Promise<void> {
  const note = notes.get(name, namespace);
  if (note === undefined) return;
  await applyConfigMap(namespace, note);
  const generation = note.metadata?.generation;
  if (note.status?.ready === true && note.status.observedGeneration === generation) return;
  const status = { ready: true, observedGeneration: generation };
  const body = { ...TYPE, metadata: { name, namespace }, status };
  const request = { ...NOTES, namespace, name, body, fieldManager: NAME, force: true };
  await custom.patchNamespacedCustomObjectStatus(request, APPLY);
}

async function applyConfigMap(namespace: string, { metadata, spec }: Note): Promise<void> {
  const { name = '', uid = '' } = metadata ?? {};
  const live = configMaps.get(name, namespace);
  const isOurs = live?.metadata?.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
  if (isOurs && live?.data?.['text'] === spec.text) return;
  const owner = { ...TYPE, name, uid, controller: true, blockOwnerDeletion: true };
  const body: V1ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, ownerReferences: [owner] },
    data: { text: spec.text },
  };
  await core.patchNamespacedConfigMap({ namespace, name, body, fieldManager: NAME, force: true }, APPLY);
  console.error(JSON.stringify({ child: `${namespace}/${name}`, msg: 'applied' }));
}
