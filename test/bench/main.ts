/** `npm run bench [-- NAME …] [FLAG …]`: prints figures, with the machine that gave them; asserts nothing. */
import { benchCluster } from './cluster.ts';
import { benchDemo } from './demo.ts';
import { machineLine } from './machine.ts';
import { benchGrpcEcho } from './grpc-echo.ts';
import { benchOperator } from './operator.ts';
import { benchRuntime } from './runtime.ts';
import { benchServing } from './serving.ts';

const BENCHES: Readonly<Record<string, (flags: readonly string[]) => Promise<void>>> = {
  serving: benchServing,
  'grpc-echo': benchGrpcEcho,
  operator: benchOperator,
  runtime: benchRuntime,
  cluster: benchCluster,
  demo: benchDemo,
};

const isFlag = (argument: string) => argument.startsWith('--');
const flags = process.argv.slice(2).filter(isFlag);
const asked = process.argv.slice(2).filter((argument) => !isFlag(argument));
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
    await bench(flags);
  }
}
