import { defineConfig } from 'vitest/config';

/** Unit tests lie beside the code; the other levels under test/ run one file at a time because they share a machine's control planes. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{crds,kube,telemetry,operator,serving-runtime,batch-runtime,cli,hack}/**/*.test.ts',
            'test/unit/**/*.test.ts',
            'test/model/**/*.test.ts',
          ],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      ...(['apiserver', 'faults', 'cluster', 'conformance'] as const).map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      })),
    ],
  },
});
