import { expect, it } from 'vitest';
import { loadWorkloads } from './driver/workloads.ts';
import { MUTANTS } from './mutants/mutants.ts';

it('every file in workloads/ is a workload, with a name and steps of its own', async () => {
  const workloads = await loadWorkloads();
  const names = workloads.map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
  for (const { steps } of workloads) {
    const stepNames = steps.map(({ name }) => name);
    expect(new Set(stepNames).size).toBe(stepNames.length);
    for (const { restores } of steps) expect([undefined, ...stepNames]).toContain(restores);
  }
});

it('every mutant is tried with a workload that there is', async () => {
  const names = (await loadWorkloads()).map(({ name }) => name);

  for (const { workload } of Object.values(MUTANTS)) expect(names).toContain(workload);
});
