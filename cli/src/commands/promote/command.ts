import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelVersion } from '@slipway/crds';
import { healthOf } from '../../cluster/conditions.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { findObject } from '../../cluster/find-object.ts';
import type { Arguments, Command } from '../../command.ts';
import { CliError, UsageError } from '../../errors.ts';
import { CLUSTER_FLAGS } from '../../help.ts';
import { unifiedDiff } from './diff.ts';
import { promotionEdits } from './edits.ts';
import type { Edits, Promotion } from './edits.ts';
import { readFolder } from './folder.ts';

export const promoteCommand: Command = {
  name: 'promote',
  usage: 'VERSION --into DIR',
  summary: 'write a ModelVersion into the YAML of another namespace or cluster',
  details: `Reads the version from the cluster, which must have found it good (Ready), and edits files only: DIR gets a file with the
version, its services get its name, and a kustomization.yaml lists the file. Comments and layout stay. What was changed is shown as a
diff; committing and applying it is up to you.

Without --service those services of DIR are changed that serve a version of the same model.`,
  examples: [
    'slipway promote flights-delay-3-7f3a2c --into ../deploy/prod -n dev',
    'slipway promote fare-2 --into prod --service fare --store models --dry-run',
  ],
  flags: {
    into: { type: 'string', value: 'DIR', about: 'the folder to edit' },
    service: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      about: 'an InferenceService of the folder that gets the version',
    },
    store: { type: 'string', value: 'NAME', about: 'the Store of the target; default: one of the same name' },
    'dry-run': { type: 'boolean', about: 'show the diff and write nothing' },
    ...CLUSTER_FLAGS,
  },
  async run(args, { terminal, cluster }) {
    const { name, folder } = requestOf(args);
    const files = await readFolder(folder);
    const connected = cluster();
    const version = await readyVersion(connected, name);
    const promotion = promotionOf(version, args, connected);
    const edits = promotionEdits(files, promotion);
    for (const { path, before, after } of edits.changes) {
      terminal.write(unifiedDiff(join(folder, path), before, after, terminal.paint));
    }
    if (args.has('dry-run')) {
      terminal.note('Nothing was written (--dry-run).\n');
      return 0;
    }
    for (const { path, after } of edits.changes) await writeFile(join(folder, path), after);
    terminal.note(nextSteps(edits, promotion, folder));
    return 0;
  },
};

function requestOf(args: Arguments): { readonly name: string; readonly folder: string } {
  const [name, ...others] = args.positionals;
  const example = 'For example: slipway promote VERSION --into DIR; the versions: slipway get versions';
  if (name === undefined) throw new UsageError('Which version?', example);
  if (others.length > 0)
    throw new UsageError(`promote takes one version, and was given ${others.join(', ')} as well.`, example);
  const folder = args.text('into');
  if (folder === undefined) throw new UsageError('Into which folder?', `Name it: slipway promote ${name} --into DIR`);
  return { name, folder };
}

/** Only what was verified here goes anywhere else. */
async function readyVersion(cluster: Cluster, name: string): Promise<ModelVersion> {
  const object = await findObject(cluster, { kind: 'ModelVersion', name });
  const { state, reason, message } = healthOf(object);
  if (state === 'well') return object as ModelVersion;
  throw new CliError(
    `ModelVersion "${name}" is not Ready, so it is not promoted. ${reason}: ${message}`,
    `See: slipway describe version ${name} -n ${cluster.namespace}`,
  );
}

function promotionOf(version: ModelVersion, args: Arguments, cluster: Cluster): Promotion {
  return {
    version,
    origin: { cluster: cluster.name, namespace: cluster.namespace },
    store: args.text('store'),
    services: args.has('service') ? args.texts('service') : undefined,
  };
}

function nextSteps(
  { changes, services, untouched }: Edits,
  { version, store, origin }: Promotion,
  folder: string,
): string {
  const { artifact } = version.spec;
  const target = store ?? artifact.store.name;
  const left =
    services.length > 0 || untouched.length === 0
      ? []
      : [
          `No service was changed: none of ${untouched.join(', ')} serves a version of this model. Name one with --service.`,
        ];
  if (changes.length === 0) return ['Nothing to change: the folder has this version already.', ...left, ''].join('\n');
  return [
    '',
    ...left,
    'Next:',
    `  1. Copy ${artifact.path} from Store "${artifact.store.name}" of namespace "${origin.namespace}" to the same path in Store "${target}" of the target.`,
    '     The version becomes Ready there once its bytes have the digest; until then what serves goes on serving.',
    `  2. Commit ${folder}, and let your GitOps apply it, or: kubectl apply ${changes.some(({ path }) => path.startsWith('kustomization.')) ? '-k' : '-f'} ${folder}`,
    '',
  ].join('\n');
}
