/** `npm run bench`: figures, with the machine that gave them. */
import { benchAnalysis } from './analysis.ts';
import { benchAutoscaler } from './autoscaler.ts';
import { benchCluster } from './cluster.ts';
import { benchColdStart } from './cold-start.ts';
import { benchDemo } from './demo.ts';
import { benchGateway } from './gateway.ts';
import { machineLine } from './machine.ts';
import { benchOperator } from './operator.ts';
import { type Options, parseOptions } from './options.ts';
import { benchRoutes } from './routes.ts';
import { benchRuntime } from './runtime.ts';
import { benchServing } from './serving.ts';

interface Bench {
  readonly about: string;
  readonly run: (options: Options) => Promise<void>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  serving: { about: 'the model server beside others, and beside ONNX Runtime alone', run: benchServing },
  gateway: { about: 'what the gateway adds to a request, and what a request costs it', run: benchGateway },
  routes: { about: 'how soon a gateway follows a route, and what 10,000 routes cost it', run: benchRoutes },
  'cold-start': { about: 'from a request that finds no pod to its answer, by stage (needs root)', run: benchColdStart },
  autoscaler: { about: 'our autoscaler beside that of Kubernetes, on the same load, simulated', run: benchAutoscaler },
  analysis: {
    about: 'what a canary is judged by, beside Argo Rollouts, on the same traffic, simulated',
    run: benchAnalysis,
  },
  operator: { about: 'the operator: memory and processor at rest, from an apply to a Job', run: benchOperator },
  runtime: { about: 'our controller runtime beside others, on the same work', run: benchRuntime },
  cluster: { about: 'how long the cluster in a box takes to be ready (needs root)', run: benchCluster },
  demo: { about: 'the images, the demo by stage, from a pod to Ready (needs root)', run: benchDemo },
};

const abouts = Object.fromEntries(Object.entries(BENCHES).map(([name, { about }]) => [name, about]));
const options = parseOptions(process.argv.slice(2), abouts);
console.log(machineLine());
for (const [name, { run }] of Object.entries(BENCHES)) {
  if (options.names.length > 0 && !options.names.includes(name)) continue;
  console.log(`\n${name}`);
  await run(options);
}
