import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** A file of each Debian package that the node of a cluster needs. */
const PACKAGES: readonly (readonly [file: string, name: string])[] = [
  ['/usr/bin/containerd', 'containerd'],
  ['/usr/sbin/runc', 'runc'],
  ['/usr/lib/cni/bridge', 'containernetworking-plugins'],
  ['/usr/sbin/conntrack', 'conntrack'],
  ['/usr/bin/socat', 'socat'],
  ['/usr/sbin/ethtool', 'ethtool'],
  ['/usr/sbin/iptables', 'iptables'],
  ['/bin/ip', 'iproute2'],
  ['/usr/bin/openssl', 'openssl'],
  ['/usr/bin/unshare', 'util-linux'],
];

/** Installs what is missing, after saying so. Throws with one line where it cannot. */
export function installMissingPackages(progress: (line: string) => void): void {
  if (process.platform !== 'linux')
    throw new Error('a cluster in a box needs Linux; use kind or another cluster here (docs/install.md)');
  if (process.getuid?.() !== 0)
    throw new Error('a cluster in a box needs root, for namespaces and mounts of its own: try again with sudo');
  const missing = PACKAGES.filter(([file]) => !existsSync(file)).map(([, name]) => name);
  if (missing.length === 0) return;
  progress(`installing Debian packages: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (cause) {
    throw new Error(`these programs are missing and apt-get could not install them: ${missing.join(' ')}`, { cause });
  }
}
