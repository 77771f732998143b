import { expect, it } from 'vitest';
import { adviceFor } from './advice.ts';
import { reasonsOf } from './reasons-page.ts';

it('reads the tables of docs/reasons.md', () => {
  const page =
    '# Reasons\n\n## Stores\n\n| Reason | What | Do |\n|---|---|---|\n| `ClaimLost` | The volume is gone. | Restore it. |\n';

  expect(reasonsOf(page)).toEqual([
    { section: 'Stores', reason: 'ClaimLost', meaning: 'The volume is gone.', advice: 'Restore it.' },
  ]);
});

it('advises by the section of the kind where a reason stands in several', () => {
  expect(adviceFor('Pod', 'ImagePullBackOff')).toBe(adviceFor('InferenceService', 'ImagePullFailed'));
  expect(adviceFor('Store', 'ClaimNotFound')).toContain('Create it');
  expect(adviceFor('TrainingJob', 'Published')).toBeUndefined();
  expect(adviceFor('Store', 'NoSuchReason')).toBeUndefined();
});
