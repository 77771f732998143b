import { describe, expect, it } from 'vitest';
import { openDatabase } from '../src/tables/database.ts';

const options = { memoryLimit: 256 << 20, files: [], folders: [] };
const slow = 'SELECT count(*) AS n FROM range(40000000) AS t(i) WHERE sin(i) > 2';

describe('a database', () => {
  it('closes after a query that still runs when another has failed', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 5; round += 1) {
      const database = await openDatabase(options);
      const both = Promise.all([database.rows('SELECT nothing'), database.rows(slow), database.rows(slow)]);
      await expect(both).rejects.toThrow('nothing');
      await database.close();
      await expect(database.rows('SELECT 1')).rejects.toThrow('closed');
    }
  });

  it('runs queries one after the other in the order they were asked', async () => {
    const database = await openDatabase(options);
    const [, , rows] = await Promise.all([
      database.run('CREATE TABLE t AS SELECT 1 AS a'),
      database.run('INSERT INTO t VALUES (2)'),
      database.rows('SELECT count(*) AS n FROM t'),
    ]);
    expect(rows).toEqual([{ n: 2n }]);
    await database.close();
  });
});
