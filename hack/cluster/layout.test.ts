import { expect, it } from 'vitest';
import { clusterLayout } from './layout.ts';

it('keeps what two clusters have apart', () => {
  const one = Object.values(clusterLayout('one'));
  const other = Object.values(clusterLayout('other'));

  expect(one.filter((path) => other.includes(path))).toEqual([]);
});

it('keeps the images of a cluster where `down` does not remove them', () => {
  const { folder, images } = clusterLayout('one');

  expect(images.startsWith(folder)).toBe(false);
});

it.each(['', '../x', 'Upper', '1st', 'a'.repeat(21), 'a b'])('takes no cluster named "%s"', (name) => {
  expect(() => clusterLayout(name)).toThrow('is no name for a cluster');
});
