/** What all runs of the operator share: a bench with a stand-in for the kubelet, and the operator as one file. */
import { createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import { Registry } from 'prom-client';
import { bundleOperator } from '../../apiserver/operator/bundle.ts';
import { silent } from '../../apiserver/operator/harness.ts';
import { startKubelet } from '../../apiserver/operator/kubelet.ts';
import { announceGateway, startGateway } from '../../apiserver/running-gateway.ts';
import { startSilentServer } from './asking.ts';
import { startBench, SYSTEM } from './bench.ts';
import type { Campaign } from './campaign.ts';
import { chartRules, operatorSubject } from './operator-subject.ts';
import { podScriptOf } from './pod-script.ts';
import type { Workload } from './workload.ts';

export interface OperatorBench {
  /** Of the operator as it is, or with the defect that a mutant seeds. */
  campaignOf(workload: Workload, mutant?: string): Campaign;
  stop(): Promise<void>;
}

const TIMING = { quietMs: 1_000, settleMs: 60_000, restMs: 2_000 };
/** A defect often shows in that nothing comes to rest. */
const MUTANT_SETTLE_MS = 20_000;

export async function startOperatorBench(workloads: readonly Workload[]): Promise<OperatorBench> {
  const bench = await startBench(chartRules);
  const bundle = await bundleOperator(bench.plane.folder);
  const kubeConfig = loadKubeConfig(bench.plane.kubeconfigPath);
  const options = { kubeConfig, userAgent: 'kubelet', registry: new Registry(), clock: realClock, log: silent };
  const client = createKubeClient(options);
  const kubelet = await startKubelet({ client, log: silent }, podScriptOf(workloads));
  const server = await startSilentServer();
  const gateway = await startGateway(bench.plane.kubeconfigPath);
  const environment = await announceGateway(bench.plane, gateway, SYSTEM);
  return {
    campaignOf: (workload, mutant) => ({
      bench,
      workload,
      traffic: { gatewayPort: gateway.ports.data, silentPort: server.port },
      subject: operatorSubject(mutant === undefined ? { bundle } : { mutant }, environment),
      timing: mutant === undefined ? TIMING : { ...TIMING, settleMs: MUTANT_SETTLE_MS },
    }),
    async stop() {
      gateway.process.kill('SIGKILL');
      server.stop();
      await kubelet.stop();
      await client.close();
      await bench.stop();
    },
  };
}

export interface OperatorBenches {
  /** On the bench of this number, which is started when it is first asked for. */
  campaignOf(workload: Workload, number: number): Promise<Campaign>;
  stop(): Promise<void>;
}

export function startOperatorBenches(workloads: readonly Workload[]): OperatorBenches {
  const benches = new Map<number, Promise<OperatorBench>>();
  const benchOf = (number: number): Promise<OperatorBench> => {
    const bench = benches.get(number) ?? startOperatorBench(workloads);
    benches.set(number, bench);
    return bench;
  };
  return {
    campaignOf: async (workload, number) => (await benchOf(number)).campaignOf(workload),
    async stop() {
      for (const bench of benches.values()) await (await bench).stop();
    },
  };
}
