import { GROUP, groupVersion, VERSION } from '@slipway/crds';
import type { Cluster } from '../cluster/cluster.ts';
import { explainError } from '../cluster/explain-error.ts';
import type { Command } from '../command.ts';
import { CLUSTER_FLAGS } from '../help.ts';
import { slipwayVersion } from '../version.ts';

export const versionCommand: Command = {
  name: 'version',
  usage: '[--client]',
  summary: 'show the versions of this command and of the cluster',
  examples: ['slipway version', 'slipway version --client'],
  flags: { client: { type: 'boolean', about: 'ask no cluster' }, ...CLUSTER_FLAGS },
  async run(args, { terminal, cluster }) {
    terminal.write(`slipway      ${slipwayVersion}\n`);
    if (args.has('client')) return 0;
    const connected = cluster();
    try {
      terminal.write(await clusterLines(connected));
      return 0;
    } catch (cause) {
      throw explainError(cause, connected);
    }
  },
};

async function clusterLines({ api, client, context }: Cluster): Promise<string> {
  const { text } = await api.request({ path: '/version', timeoutMs: 5_000 });
  const { gitVersion = 'unknown' } = JSON.parse(text) as { gitVersion?: string };
  const served = await client.servedPlurals(GROUP, VERSION);
  const installed = served.size === 0 ? 'not installed' : `${groupVersion}, ${served.size} kinds`;
  return `Kubernetes   ${gitVersion} (context "${context}")\nSlipway      ${installed}\n`;
}
