/** `npm run bench [-- NAME …]`: prints figures, with the machine that gave them; asserts nothing. */
import { benchCluster } from './cluster.ts';
import { benchDemo } from './demo.ts';
import { machineLine } from './machine.ts';
import { benchOperator } from './operator.ts';
import { benchServing } from './serving.ts';

const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  serving: benchServing,
  operator: benchOperator,
  cluster: benchCluster,
  demo: benchDemo,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  console.log(machineLine());
  for (const [name, bench] of Object.entries(BENCHES).filter(
    ([known]) => asked.length === 0 || asked.includes(known),
  )) {
    console.log(`\n${name}`);
    await bench();
  }
}
