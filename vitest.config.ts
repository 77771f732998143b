import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Unit tests lie beside the code. Of the other levels, under test/, most run one file at a time, because they share the machine. */
export default defineConfig({
  test: {
    // Many tests wait for a process of their own, so a core kept free for vitest itself would be idle.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{crds,kube,telemetry,operator,serving-runtime,gateway,batch-runtime,cli,hack}/**/*.test.ts',
            'test/unit/**/*.test.ts',
            'test/model/**/*.test.ts',
          ],
          // For the many processes that tests start from sources.
          env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compile') },
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      ...(['apiserver', 'faults', 'cluster', 'conformance'] as const).map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          // Each file has a control plane of its own, for which it mostly waits.
          maxWorkers: name === 'apiserver' ? 2 : 1,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      })),
    ],
  },
});
