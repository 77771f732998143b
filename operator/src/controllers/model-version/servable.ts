import type { ModelVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { findCondition } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';

/** What a version says of itself beside `Ready`, and all of which has to be so before a service starts it. */
const ASKED = ['GatesPassed', 'Approved'];

/** Of a version that is new, or that an older operator has looked at. */
const UNTOLD = { status: 'Unknown', message: 'it was not looked at yet.' };

/**
 * Why no service may start a version that is Ready: `VersionNotServable` if it was refused (`isFinal`), `ModelVersionNotReady`
 * while that is being found out.
 */
export function servableProblem(
  version: DeepReadonly<ModelVersion>,
): (Reason & { readonly isFinal: boolean }) | undefined {
  const { name } = version.metadata;
  // A version of no Model has nothing to pass.
  if (version.spec.model === undefined) return undefined;
  for (const type of ASKED) {
    const condition = findCondition(version, type);
    if (condition?.status === 'True') continue;
    const { status, message } = condition ?? UNTOLD;
    if (status === 'Unknown') {
      const words = `ModelVersion "${name}" may not be served yet: ${message}`;
      return { reason: 'ModelVersionNotReady', message: words, isFinal: false };
    }
    const words = `ModelVersion "${name}" may not be served: ${message} Name another one.`;
    return { reason: 'VersionNotServable', message: words, isFinal: true };
  }
  return undefined;
}
