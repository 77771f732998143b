/**
 * Our autoscaler beside the HorizontalPodAutoscaler, on the same load: `npm run bench -- autoscaler`. Both are run in simulated time, so that the
 * figures are the same on every machine.
 */
import { horizontalPodAutoscaler, ours, SETTINGS } from '../../operator/src/testing/autoscalers.ts';
import { SERVICE, simulate, TRACES } from '../../operator/src/testing/scaling-simulation.ts';
import type { Autoscaler } from '../../operator/src/testing/scaling-simulation.ts';

const PER_POD = 6;

const CONTENDERS: Readonly<Record<string, () => Autoscaler>> = {
  slipway: () => ours({ ...SETTINGS, target: { concurrency: PER_POD } }),
  HorizontalPodAutoscaler: () => horizontalPodAutoscaler({ min: SETTINGS.min, max: SETTINGS.max, perPod: PER_POD }),
};

export function benchAutoscaler(): Promise<void> {
  const { startSeconds, slots, requestSeconds, lateSeconds } = SERVICE;
  console.log(
    `A pod starts in ${startSeconds} s and works on ${slots} requests of ${requestSeconds * 1000} ms at a time; ` +
      `${SETTINGS.min} to ${SETTINGS.max} pods with ${PER_POD} requests at a time each; late: after ${lateSeconds} s.\n`,
  );
  console.log('| load | autoscaler | requests | late | pod-seconds | most pods |');
  console.log('|---|---|---|---|---|---|');
  for (const trace of TRACES)
    for (const [name, start] of Object.entries(CONTENDERS)) {
      const { requests, late, podSeconds, replicas } = simulate(trace, start());
      const share = ((100 * late) / requests).toFixed(1);
      const cells = [trace.name, name, requests, `${late} (${share} %)`, podSeconds, Math.max(...replicas)];
      console.log(`| ${cells.join(' | ')} |`);
    }
  return Promise.resolve();
}
