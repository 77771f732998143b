import { delimiter, join } from 'node:path';
import { isExecutable } from '../kube/executable.ts';

/** What one level of tests is, what it needs, and whether CI may do without it. */
export interface Level {
  readonly name: string;
  readonly about: string;
  readonly required: boolean;
  /** What fails there only once is a finding, not an accident: every run takes other faults or other seeds. */
  readonly neverTwice?: true;
  /** Why it cannot run on this machine, or undefined when it can. */
  readonly obstacle: (machine: Machine) => string | undefined;
}

/** The few facts about the machine that decide what can run. */
export interface Machine {
  readonly platform: string;
  readonly isRoot: boolean;
  readonly hasCommand: (name: string) => boolean;
  /** A folder with ready-made Kubernetes binaries was named. */
  readonly hasBinaries: boolean;
}

function needsControlPlane(machine: Machine): string | undefined {
  if (machine.platform !== 'linux') return 'needs Linux';
  if (machine.hasBinaries || machine.hasCommand('go') || machine.hasCommand('curl')) return undefined;
  return 'needs Kubernetes binaries: set KUBEBUILDER_ASSETS, or install Go 1.26 so that they can be built';
}

function needsBox(machine: Machine): string | undefined {
  const obstacle = needsControlPlane(machine);
  if (obstacle !== undefined) return obstacle;
  if (!machine.isRoot) return 'needs root, for network and mount namespaces of its own (try sudo)';
  return machine.hasCommand('unshare') ? undefined : 'needs the command unshare (package util-linux)';
}

export const LEVELS: readonly Level[] = [
  { name: 'check', about: 'types, lint, format, generated files', required: true, obstacle: () => undefined },
  { name: 'unit', about: 'pure functions and single processes', required: true, obstacle: () => undefined },
  { name: 'apiserver', about: 'a real API server and etcd', required: true, obstacle: needsControlPlane },
  {
    name: 'faults',
    about: 'the same behind a proxy that breaks things',
    required: true,
    neverTwice: true,
    obstacle: needsControlPlane,
  },
  { name: 'cluster', about: 'a whole Kubernetes in private namespaces', required: true, obstacle: needsBox },
  {
    name: 'conformance',
    about: "other people's clients and servers",
    required: false,
    obstacle: (m) => (m.hasCommand('python3') ? undefined : 'needs python3'),
  },
  { name: 'demo', about: '`npm run demo` from nothing to predictions', required: true, obstacle: needsBox },
];

export function thisMachine(env: NodeJS.ProcessEnv): Machine {
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    hasBinaries: env['KUBEBUILDER_ASSETS'] !== undefined || env['SLIPWAY_KUBE_BIN'] !== undefined,
    hasCommand: (name) => (env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name))),
  };
}
