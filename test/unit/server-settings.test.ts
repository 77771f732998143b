/** What the operator makes of spec.settings is what the model server takes. */
import { expect, it } from 'vitest';
import { InferenceServiceSpec } from '@slipway/crds';
import { serverSettings } from '../../operator/src/controllers/inference-service/server-settings.ts';
import { readConfig } from '../../serving-runtime/src/config.ts';

it('every setting of a service is one of the model server', () => {
  const settings = {
    threads: 2,
    maxBatch: 32,
    maxQueued: 100,
    maxQueuedMemory: '64Mi',
    timeout: '500ms',
    maxRunTime: '2m',
    isolation: 'Process',
    cache: '1Mi',
    warmUp: [{ inputs: [{ name: 'x', shape: [1, 2], data: [1, 2] }] }],
  };
  const spec = InferenceServiceSpec.parse({ modelVersion: { name: 'a' }, settings });
  // Otherwise a setting that is added is forgotten here.
  expect(Object.keys(settings)).toHaveLength(
    Object.keys(InferenceServiceSpec.shape.settings.unwrap().shape).length - 1,
  );
  const given = serverSettings(spec.settings);
  expect(Object.keys(given)).toHaveLength(Object.keys(spec.settings).length);

  expect(readConfig(['--model-repository=m', `--settings=${JSON.stringify(given)}`])).toMatchObject({
    settings: { threads: 2, timeoutSeconds: 0.5, maxRunSeconds: 120, isolation: 'process', cacheBytes: 1_048_576 },
  });
});
