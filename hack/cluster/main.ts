/** `npm run cluster -- …` */
import { spawn } from 'node:child_process';
import { Command } from 'commander';
import { findBinaries } from '../kube/binaries.ts';
import { clusterDown, clusterLayout, clusterUp, forwardService, loadImages, runningCluster } from './index.ts';

const progress = (line: string) => console.error(line);

const program = new Command('npm run cluster --')
  .description(
    'A whole Kubernetes in namespaces of its own on this machine: one node, DNS, a default StorageClass, no way out.',
  )
  .option('--name <name>', 'several can run side by side', 'slipway')
  .showHelpAfterError();

// kubectl's words are its own, `--` and `--name` among them: `kubectl exec POD -- ls`.
const words = process.argv.slice(2);
const end = words.indexOf('kubectl') + 1;
const own = end === 0 ? words : words.slice(0, end);
const forKubectl = end === 0 ? [] : words.slice(end);

const name = () => program.opts<{ name: string }>().name;

program
  .command('up')
  .description('start it, or find it running; prints how to use it')
  .action(async () => {
    const kubeconfig = await clusterUp({ name: name(), progress });
    console.log(`export KUBECONFIG=${kubeconfig}`);
  });

program
  .command('down')
  .description('end it and remove everything but caches')
  .action(async () =>
    console.log((await clusterDown(name())) ? `cluster ${name()} is down` : `cluster ${name()} was not running`),
  );

program
  .command('status')
  .description('whether it runs')
  .action(() => {
    const state = runningCluster(name());
    console.log(
      state === undefined
        ? `cluster ${name()} is down`
        : `cluster ${name()} is up, its API server on 127.0.0.1:${state.apiPort}`,
    );
    console.log(`logs: ${clusterLayout(name()).logs}`);
    if (state === undefined) process.exitCode = 1;
  });

program
  .command('kubeconfig')
  .description("print the path of an administrator's kubeconfig")
  .action(() => console.log(clusterLayout(name()).kubeconfig));

program
  .command('kubectl')
  .description('run kubectl against it, with everything that follows')
  .helpOption(false)
  .action(async () => {
    const { kubectl } = await findBinaries(['kubectl'], { progress });
    const child = spawn(kubectl, forKubectl, {
      stdio: 'inherit',
      env: { ...process.env, KUBECONFIG: clusterLayout(name()).kubeconfig },
    });
    child.on('exit', (code) => {
      process.exitCode = code ?? 1;
    });
  });

program
  .command('load-images')
  .description('load docker-archive or OCI tars; without any, build and load our own images')
  .argument('[tars...]')
  .action(async (tars: string[]) => {
    await loadImages(name(), tars.length > 0 ? tars : await ownImages());
    console.log('loaded');
  });

program
  .command('forward')
  .description('a local port that reaches a Service')
  .argument('<service>', 'NAMESPACE/SERVICE:PORT')
  .argument('[port]', 'local port; default: any free one', Number)
  .action(async (target: string, localPort?: number) => {
    const [, namespace, service, port] = /^([^/]+)\/([^:]+):([0-9]+)$/.exec(target) ?? [];
    if (namespace === undefined || service === undefined) throw new Error(`"${target}" is not NAMESPACE/SERVICE:PORT`);
    const options = { namespace, service, port: Number(port) };
    const forward = await forwardService(name(), localPort === undefined ? options : { ...options, localPort });
    console.log(`127.0.0.1:${forward.port} -> ${target} (until Ctrl-C)`);
    console.log(`an InferenceService is http://${service}.${namespace}.localhost:${forward.port}`);
  });

async function ownImages(): Promise<string[]> {
  const { buildImages } = await import('../images/index.ts');
  return Object.values(await buildImages({ progress })).map((image) => image.tar);
}

try {
  await program.parseAsync([...process.argv.slice(0, 2), ...own]);
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : String(cause));
  process.exitCode = 1;
}
