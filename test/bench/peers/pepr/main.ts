/**
 * The bench's contender on Pepr: `reconcile` or `sync`, with $KUBECONFIG. Its dependencies are its own, and only the bench
 * installs them.
 *
 * Pepr has no number of workers: with its default every object has a queue of its own, so all of them are worked on at once;
 * with PEPR_RECONCILE_STRATEGY=global there is one queue. Nor has it a cache to read, so what is as it should be is told from
 * the object at hand, as in Pepr's own example of an operator.
 */
import { a, Capability, K8s, Log, PeprModule, RegisterKind } from 'pepr';

class Note extends a.GenericKind {
  declare spec: { text: string };
  declare status?: { ready?: boolean; observedGeneration?: number };
}

const NOTE = { group: 'bench.slipway.dev', version: 'v1', kind: 'Note', plural: 'notes' };
RegisterKind(Note, NOTE);

const [job] = process.argv.slice(2);
const capability = new Capability({ name: 'notes', description: 'a ConfigMap for every Note', namespaces: [] });
if (job === 'sync') sayWhenFilled();
else reconcileNotes();
// Its server of webhooks, probes and metrics is not started: the others have none either.
void new PeprModule(
  { description: 'bench', pepr: { uuid: 'bench', onError: 'reject', alwaysIgnore: { namespaces: [] } } },
  [capability],
  { deferStart: true },
);
process.once('SIGTERM', () => process.exit());

/** A list comes whole, and is gone through without a pause. */
function sayWhenFilled(): void {
  let found = 0;
  capability
    .When(a.ConfigMap)
    .IsCreatedOrUpdated()
    .Watch(() => {
      found += 1;
      if (found === 1) setImmediate(() => console.log('filled', found));
    });
}

function reconcileNotes(): void {
  capability.When(Note).IsCreatedOrUpdated().Reconcile(reconcile);
  // There is nothing to compare a changed one with, so only one that is gone is made anew.
  capability
    .When(a.ConfigMap)
    .IsDeleted()
    .Reconcile(async ({ metadata }) => {
      const { name = '', namespace = '', ownerReferences = [] } = metadata ?? {};
      if (!ownerReferences.some(({ kind }) => kind === NOTE.kind)) return;
      await applyConfigMap(await K8s(Note).InNamespace(namespace).Get(name));
    });
}

async function reconcile(note: Note): Promise<void> {
  const { name = '', namespace = '', generation = 0 } = note.metadata ?? {};
  if (note.status?.ready === true && note.status.observedGeneration === generation) return;
  await applyConfigMap(note);
  const status = { ready: true, observedGeneration: generation };
  await K8s(Note).PatchStatus({ metadata: { name, namespace }, spec: note.spec, status });
}

async function applyConfigMap({ metadata, spec }: Note): Promise<void> {
  const { name = '', namespace = '', uid = '' } = metadata ?? {};
  const apiVersion = `${NOTE.group}/${NOTE.version}`;
  const owner = { apiVersion, kind: NOTE.kind, name, uid, controller: true, blockOwnerDeletion: true };
  await K8s(a.ConfigMap).Apply(
    { metadata: { name, namespace, ownerReferences: [owner] }, data: { text: spec.text } },
    { force: true },
  );
  Log.info({ child: `${namespace}/${name}` }, 'applied');
}
