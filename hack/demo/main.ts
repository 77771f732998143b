/** `npm run demo` */
import { clusterDown } from '../cluster/index.ts';
import { restartOperator, writesAtRest } from '../slipway/at-rest.ts';
import { CLUSTER, runFlightsDemo } from './flights.ts';

const USAGE = `usage: npm run demo [-- down | --help]

Without arguments: a Kubernetes of its own on this machine, Slipway in it, and a model of New York's flights: from raw tables to
predictions, then a second version under traffic. Running it again uses what is there. Needs Linux and root.

  down   takes the cluster and everything in it down; what took long to get or build stays in the cache
`;

async function main(args: readonly string[]): Promise<number> {
  const [command] = args.filter((arg) => arg !== '--ci');
  if (command === 'down') {
    console.log((await clusterDown(CLUSTER)) ? 'The demo is down.' : 'The demo was not running.');
    return 0;
  }
  if (command !== undefined) {
    console.log(USAGE);
    return command === '--help' ? 0 : 2;
  }
  const cluster = await runFlightsDemo();
  if (!args.includes('--ci')) return 0;
  const written = await writesAtRest(cluster, () => restartOperator(cluster));
  for (const object of written) console.error(`written at rest: ${object}`);
  await clusterDown(CLUSTER);
  return written.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (cause) {
  console.error(`\n${cause instanceof Error ? cause.message : String(cause)}`);
  console.error('Nothing is broken: `npm run demo` goes on from here, `npm run demo -- down` takes it all down.');
  process.exitCode = 1;
}
