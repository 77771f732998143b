import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NODE_FLAGS } from './running-server.ts';

it('starts the server with the flags of Node that the image has', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../../Dockerfile'), 'utf8');
  const entrypoint = ['/usr/local/bin/node', ...NODE_FLAGS, 'serving-runtime/src/main.ts'];

  expect(dockerfile).toContain(`ENTRYPOINT [${entrypoint.map((word) => `"${word}"`).join(', ')}]\n`);
});
