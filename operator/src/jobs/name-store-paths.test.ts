import { describe, expect, it } from 'vitest';
import { nameStorePaths } from './name-store-paths.ts';

describe('nameStorePaths', () => {
  it.each([
    ["ENOENT: open '/stores/default/team/1.csv'", "ENOENT: open 'team/1.csv in Store default'"],
    ['cannot read /stores/a-1/x/part-0.parquet.', 'cannot read x/part-0.parquet in Store a-1.'],
    ['/stores/default: read-only', 'Store default: read-only'],
    ['mkdir /stores/default/', 'mkdir Store default'],
    ['cp /stores/a/x /stores/b/y', 'cp x in Store a y in Store b'],
    ['nothing to see', 'nothing to see'],
  ])('makes of %s: %s', (words, named) => {
    expect(nameStorePaths(words)).toBe(named);
  });
});
