/** Every order in which retention can meet what still names a version. See README.md. */
import { keepsOne, movesBack, retentionModel, servesOld } from './retention-model.ts';
import { holdsIn } from './run-scenarios.ts';

const faults = { staleKinds: 1 };

holdsIn(retentionModel, [
  [
    'keeps a version to which an alias comes back, with a cache that does not show it yet',
    { script: [movesBack, keepsOne], faults, mayFallBehind: ['ModelAlias'] },
  ],
  [
    'keeps a version that a service asks for, with a cache that does not show it yet',
    { script: [servesOld, keepsOne], faults, mayFallBehind: ['InferenceService'] },
  ],
  ['deletes the old version, with an answer that is lost', { script: [keepsOne], faults: { lostAnswers: 1 } }],
]);
