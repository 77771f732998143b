/** kubectl and helm, bound to a cluster and a namespace. */
import { run } from '../cluster/kubectl.ts';
import { findBinaries } from '../kube/binaries.ts';

export interface SlipwayCluster {
  readonly name: string;
  readonly namespace: string;
  readonly kubeconfig: string;
  /** Paths of the programs, for a person to go on with. */
  readonly programs: { readonly kubectl: string; readonly helm: string };
  /** Standard output. Rejects with kubectl's own words. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  json<T>(args: readonly string[]): Promise<T>;
  helm(args: readonly string[]): Promise<string>;
}

export async function slipwayCluster({
  name,
  namespace,
  kubeconfig,
}: Pick<SlipwayCluster, 'name' | 'namespace' | 'kubeconfig'>): Promise<SlipwayCluster> {
  const programs = await findBinaries(['kubectl', 'helm'], { progress: (line) => console.log(`  ${line}`) });
  const call = async (program: 'kubectl' | 'helm', args: readonly string[], stdin = '') => {
    const { code, stdout, stderr } = await run(programs[program], ['--kubeconfig', kubeconfig, ...args], stdin);
    if (code !== 0) throw new Error(`${program} ${args.slice(0, 3).join(' ')} …: ${stderr.trim()}`);
    return stdout;
  };
  const kubectl = (args: readonly string[], stdin?: string) =>
    call('kubectl', ['--namespace', namespace, ...args], stdin);
  return {
    name,
    namespace,
    kubeconfig,
    programs,
    kubectl,
    json: async <T>(args: readonly string[]) => JSON.parse(await kubectl([...args, '-o', 'json'])) as T,
    helm: (args) => call('helm', args),
  };
}
