import { readFileSync } from 'node:fs';
import { clusterLayout } from './layout.ts';

/** What `state.json` of a running cluster says. */
export interface ClusterState {
  readonly name: string;
  /** Process id of the supervisor. */
  readonly supervisor: number;
  /** Local port of the API server. */
  readonly apiPort: number;
}

/** The state of a cluster whose supervisor is alive; undefined when it is down or crashed. */
export function runningCluster(name: string): ClusterState | undefined {
  try {
    const state = JSON.parse(readFileSync(clusterLayout(name).state, 'utf8')) as ClusterState;
    const command = readFileSync(`/proc/${state.supervisor}/cmdline`, 'utf8');
    // Another program may have the number of a process that died.
    return command.includes('supervisor.ts') && command.includes(`"${name}"`) ? state : undefined;
  } catch {
    return undefined;
  }
}
