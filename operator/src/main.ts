/** Starts the operator: in a cluster with the pod's service account, elsewhere with $KUBECONFIG. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { loadKubeConfig, realClock } from '@slipway/kube';
import { startTracing } from '@slipway/telemetry';
import { ConfigError, readConfig, USAGE } from './config.ts';
import { createLog } from './log-level.ts';
import { runOperator } from './run-operator.ts';

const { log, logLevel } = createLog();
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  // A second signal ends the process at once, as Node does without a listener.
  process.once(signal, () => {
    log.info({ signal }, 'stopping');
    stop.abort();
  });
}

try {
  const config = readConfig({ args: process.argv.slice(2), environment: process.env, hostname: hostname() });
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  if (config === 'help' || config === 'version') {
    process.stdout.write(config === 'help' ? USAGE : `${version}\n`);
    process.exit();
  }
  logLevel.set(config.logLevel);
  const tracing = await startTracing({
    serviceName: 'slipway-operator',
    serviceVersion: version,
    environment: process.env,
    warn: (message) => log.warn(message),
  });
  await runOperator({ config, kubeConfig: loadKubeConfig(), clock: realClock, log, logLevel, version }, stop.signal);
  await tracing.stop();
} catch (cause) {
  if (cause instanceof ConfigError) process.stderr.write(`${cause.message}\n--help tells of every setting.\n`);
  else log.fatal({ err: cause }, 'the operator ends');
  process.exitCode = 1;
}
// Whatever a lost lease left running must not go on.
process.exit();
