/** For the fixture controller: a Store whose uri names the children that it gets. */
import type { Step, Workload, World } from '../driver/workload.ts';
import { awaitsCondition } from '../driver/workload.ts';

function step(name: string, uri: string, words: readonly string[]): Step {
  return {
    name,
    act: (world) => world.apply('Store', 'a', { spec: { uri } }),
    pending: (world) => awaitsCondition(world.get('Store', 'a'), 'Ready', 'True') ?? missingChild(world, words),
  };
}

/** Only that each word is there: what is too much is for the oracles to find. */
function missingChild(world: World, words: readonly string[]): string | undefined {
  const there = world.objects().filter(({ kind }) => kind === 'ConfigMap');
  return words.find((word) => !there.some(({ metadata }) => metadata.name.startsWith(`a-${word}`)));
}

export const fixtureWorkload: Workload = {
  name: 'fixture',
  steps: [
    step('create', 'pvc://lake/one/two', ['one', 'two']),
    step('change', 'pvc://lake/two/three', ['two', 'three']),
    {
      name: 'delete',
      act: (world) => world.delete('Store', 'a'),
      pending: (world) => (world.get('Store', 'a') === undefined ? undefined : 'Store a is still there'),
    },
  ],
};
