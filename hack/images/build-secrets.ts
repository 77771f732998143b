/**
 * What a build may need of this machine to reach its package registries: the CA bundle of a proxy, npm's and pip's configuration.
 * They go in as build secrets (visible to one RUN, part of no layer), and only those that exist.
 */
import { access, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface BuildSecret {
  readonly id: 'ca-bundle' | 'npmrc' | 'pip-conf';
  readonly file: string;
}

const CA_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'PIP_CERT', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'];

/** The secrets of this machine; files made from its configuration are written to `folder`, readable by its owner only. */
export async function findBuildSecrets(env: NodeJS.ProcessEnv, folder: string): Promise<BuildSecret[]> {
  const secrets: BuildSecret[] = [];
  const bundle = await firstExisting(CA_VARIABLES.map((name) => env[name]));
  if (bundle !== undefined) secrets.push({ id: 'ca-bundle', file: bundle });

  const npmrc = npmSettings(env, await readOrEmpty(join(homedir(), '.npmrc')));
  if (npmrc !== '') secrets.push({ id: 'npmrc', file: await writePrivate(join(folder, 'npmrc'), npmrc) });

  const pipFiles = [join(homedir(), '.config/pip/pip.conf'), '/etc/pip.conf'];
  const pipFile = await firstExisting(pipFiles);
  const pip = pipSettings(env, pipFile === undefined ? '' : await readOrEmpty(pipFile));
  if (pip !== '') secrets.push({ id: 'pip-conf', file: await writePrivate(join(folder, 'pip.conf'), pip) });
  return secrets;
}

/** Lines of an npmrc that say which registry and with whose credentials; paths of this machine mean nothing in a build. */
export function npmSettings(env: NodeJS.ProcessEnv, npmrc: string): string {
  const lines = npmrc.split('\n').filter((line) => /^\s*(@[^:]+:)?registry\s*=|^\s*\/\//.test(line));
  const registry = env['NPM_CONFIG_REGISTRY'] ?? env['npm_config_registry'];
  if (registry !== undefined) lines.push(`registry=${registry}`);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The index settings of pip, from its configuration and its environment variables. */
export function pipSettings(env: NodeJS.ProcessEnv, config: string): string {
  const lines = config.split('\n').filter((line) => /^\s*(index-url|extra-index-url|trusted-host)\s*=/.test(line));
  if (env['PIP_INDEX_URL'] !== undefined) lines.push(`index-url = ${env['PIP_INDEX_URL']}`);
  if (env['PIP_EXTRA_INDEX_URL'] !== undefined) lines.push(`extra-index-url = ${env['PIP_EXTRA_INDEX_URL']}`);
  return lines.length === 0 ? '' : `[global]\n${lines.join('\n')}\n`;
}

async function firstExisting(files: readonly (string | undefined)[]): Promise<string | undefined> {
  for (const file of files) {
    if (file === undefined || file === '') continue;
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) return file;
  }
  return undefined;
}

async function readOrEmpty(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

async function writePrivate(file: string, text: string): Promise<string> {
  await writeFile(file, text, { mode: 0o600 });
  return file;
}
