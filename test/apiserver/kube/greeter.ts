import { hostname } from 'node:os';
import * as kube from '@slipway/kube';
import pino from 'pino';
import { Registry } from 'prom-client';

// 1. A kind: its type, and where the API has it.
interface Greeting extends kube.KubeObject {
  spec: { text: string };
  status?: { observedGeneration?: number };
}
const Greeting = kube.defineKind<Greeting>({
  group: 'example.dev',
  version: 'v1',
  kind: 'Greeting',
  plural: 'greetings',
  namespaced: true,
});

// 2. A client, and a manager that fills caches and holds the lease.
const shared = { log: pino(), registry: new Registry(), clock: kube.realClock };
const client = kube.createKubeClient({ ...shared, kubeConfig: kube.loadKubeConfig(), userAgent: 'greeter/1.0' });
const lease = { namespace: 'default', name: 'greeter', identity: `${hostname()}_${process.pid}` };
const manager = kube.createManager({ ...shared, client, lease });
const greetings = manager.cache(Greeting);
const configMaps = manager.cache(kube.builtin.ConfigMap, { labelSelector: 'app=greeter' });

// 3. What a Greeting means: a ConfigMap with its text.
function render({ metadata: { name, namespace = '' }, spec }: kube.DeepReadonly<Greeting>): kube.ConfigMap {
  const metadata = { name, namespace, labels: { app: 'greeter' } };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text: spec.text } };
}

// 4. A controller: called with the key of a Greeting whenever it or its ConfigMap changed.
const fieldManager = 'greeting.lifecycle';
manager.addController({
  name: fieldManager,
  for: greetings,
  watches: [kube.watch(configMaps, kube.toController(Greeting))],
  async reconcile(key, scope) {
    const greeting = greetings.get(key);
    if (greeting === undefined) return kube.settled(); // gone: what it owned is garbage-collected
    const deps: kube.ApplyOwnedDeps = {
      client,
      owner: { kind: Greeting, object: greeting },
      live: (_kind, child) => configMaps.get(child),
      fieldManager,
      appliedAnnotation: 'example.dev/applied',
    };
    await kube.applyOwned(deps, [{ kind: kube.builtin.ConfigMap, object: render(greeting) }], scope);
    const status = { observedGeneration: greeting.metadata.generation };
    await kube.writeStatus({ client, kind: Greeting, fieldManager }, greeting, status, scope);
    return kube.settled();
  },
});

// 5. Until SIGTERM: then running work ends, and the lease goes to whoever is next.
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await manager.run(stop.signal);
await client.close();
