/** The bench's contender on our own runtime, set up as the operator does: `reconcile WORKERS`, `sync` or `sync stream`, with $KUBECONFIG. */
import {
  applyOwned,
  type ApplyOwnedDeps,
  builtin,
  type ConfigMap,
  createKubeClient,
  createManager,
  loadKubeConfig,
  realClock,
  settled,
  toController,
  watch,
  writeStatus,
} from '@slipway/kube';
import pino from 'pino';
import { Registry } from 'prom-client';
import { Note, UNLIMITED } from './note.ts';

const NAME = 'note.lifecycle';
const [job, how] = process.argv.slice(2);
const initialLists = how === 'stream' ? 'stream' : 'pages';
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
const shared = { log, clock: realClock, registry: new Registry() };
const client = createKubeClient({ ...shared, kubeConfig: loadKubeConfig(), userAgent: 'bench', budget: UNLIMITED });
const manager = createManager({ ...shared, client, initialLists });
const configMaps = manager.cache(builtin.ConfigMap);
// A manager without controllers has nothing to run for; with `sync` this one finds no Note.
addController(job === 'sync' ? 1 : Number(how));
if (job === 'sync') sayWhenFilled();
await manager.run(stop.signal);
await client.close();

function sayWhenFilled(): void {
  const looking = setInterval(() => {
    if (!configMaps.hasSynced()) return;
    clearInterval(looking);
    console.log('filled', configMaps.list().length);
  }, 5);
}

function addController(count: number): void {
  const notes = manager.cache(Note);
  manager.addController({
    name: NAME,
    workers: count,
    for: notes,
    watches: [watch(configMaps, toController(Note))],
    async reconcile(key, scope) {
      const note = notes.get(key);
      if (note === undefined) return settled();
      const deps: ApplyOwnedDeps = {
        client,
        owner: { kind: Note, object: note },
        live: (_kind, at) => configMaps.get(at),
        fieldManager: NAME,
        appliedAnnotation: 'bench.slipway.dev/applied',
      };
      const object: ConfigMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { ...key },
        data: { text: note.spec.text },
      };
      await applyOwned(deps, [{ kind: builtin.ConfigMap, object }], scope);
      const status = { ready: true, observedGeneration: note.metadata.generation };
      await writeStatus({ client, kind: Note, fieldManager: NAME }, note, status, scope);
      return settled();
    },
  });
}
