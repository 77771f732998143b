/** How the scenarios of a kind are run as tests. */
import { expect, it } from 'vitest';
import { explore } from './explore.ts';
import type { Scenario } from './scenario.ts';

/** They need about a millisecond of CPU a state, which a busy machine stretches. */
const TIMEOUT_MS = 180_000;

export function holdsIn<O>(model: (options: O) => Scenario, scenarios: readonly (readonly [string, O])[]): void {
  it.each(scenarios)(
    '%s',
    async (name, options) => {
      const { states, seconds, failure } = await explore(model(options));
      console.log(`${name}: ${states} states, ${seconds.toFixed(1)} s`);
      expect(failure && [failure.what, ...failure.trace].join('\n')).toBeUndefined();
    },
    TIMEOUT_MS,
  );
}
