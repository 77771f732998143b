import type { KubeObject } from '@slipway/kube';
import { ignoreNotFound } from '@slipway/kube';
import { didYouMean } from '../did-you-mean.ts';
import { CliError, UsageError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { KIND_WORDS, kindOf, kinds, singularWordOf, wordOf } from './kinds.ts';
import type { KindName, SlipwayObject } from './kinds.ts';

export interface Target {
  readonly kind: KindName;
  readonly name: string;
}

/**
 * One object as people name it: `KIND NAME` or `KIND/NAME`.
 *
 * @throws UsageError for anything else.
 */
export function targetOf(command: string, positionals: readonly string[]): Target {
  const parts = positionals.length === 1 ? (positionals[0] ?? '').split('/') : positionals;
  const [kind, name] = parts;
  if (kind === undefined || kind === '') {
    throw new UsageError(`${command} needs a kind and a name.`, `For example: slipway ${command} service NAME`);
  }
  const found = kindOf(kind);
  if (parts.length === 2 && name !== undefined && name !== '') return { kind: found, name };
  const example = `slipway ${command} ${singularWordOf(found)} NAME`;
  if (parts.length > 2)
    throw new UsageError(
      `${command} takes one object, and was given ${parts.slice(1).join(', ')}.`,
      `For example: ${example}`,
    );
  throw new UsageError(
    `Which ${singularWordOf(found)}?`,
    `For example: ${example}; the names: slipway get ${wordOf(found)}`,
  );
}

/** Rejects with CliError, and the nearest name there is, where there is no such object. */
export async function findObject(cluster: Cluster, { kind, name }: Target): Promise<SlipwayObject> {
  const { client, namespace } = cluster;
  checkName(kind, name);
  const found = await ignoreNotFound(client.get<KubeObject>(kinds[kind], { namespace, name }));
  if (found !== undefined) return found;
  // Also tells whether the kind is there at all: this rejects where it is not.
  const { items } = await client.list<KubeObject>(kinds[kind], { namespace });
  throw notThere(
    { kind, name },
    items.map(({ metadata }) => metadata.name),
    namespace,
  );
}

/** With the nearest of the names that there are. */
export function notThere({ kind, name }: Target, names: readonly string[], namespace: string): CliError {
  const meant = didYouMean(name, names);
  const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  return new CliError(
    `There is no ${kind} "${name}" in namespace "${namespace}".${suggestion}`,
    `See those that there are: slipway get ${wordOf(kind)} -A`,
  );
}

function checkName(kind: KindName, name: string): void {
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return;
  throw new UsageError(`"${name}" cannot be the name of a ${kind}.`, `See the names: slipway get ${wordOf(kind)}`);
}

/** For help: the words that stand for KIND. */
export const KINDS_HELP = `KIND is one of ${KIND_WORDS.join(', ')}; the names of kubectl work as well.`;
