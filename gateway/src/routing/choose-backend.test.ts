import { expect, it } from 'vitest';
import { aBackend, aRoute } from '../testing/routes.ts';
import { chooseBackend } from './choose-backend.ts';

const stable = aBackend('flights-1', 60);

it('gives what is for a revision without pods to the stable one', () => {
  const gone = aBackend('flights-2', 40, { at: [] });

  expect(chooseBackend(aRoute([stable, gone]), undefined, 0.99)).toBe(stable);
});

it('goes by the value where there is a rule, and by chance where the value is missing', () => {
  const next = aBackend('flights-2', 40);
  const route = aRoute([stable, next], { sticky: { by: 'header', name: 'x-entity-id', salt: 's' } });

  const byValue = [0, 0.5, 0.99].map((random) => chooseBackend(route, 'ana', random));
  expect(new Set(byValue).size).toBe(1);
  expect(chooseBackend(route, undefined, 0)).toBe(stable);
  expect(chooseBackend(route, undefined, 0.99)).toBe(next);
});
