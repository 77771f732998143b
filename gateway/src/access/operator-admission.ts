/** Whether it is the operator that asks for the stream. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { isRefusal } from '../proxy/refusal.ts';
import type { Refusal } from '../proxy/refusal.ts';
import { bearerTokenOf, OPERATOR_AUDIENCE } from './bearer-token.ts';
import type { Callers } from './callers.ts';
import { identified } from './identified.ts';
import type { ServiceAccount } from './service-account.ts';

/** Why a request is not let in; undefined where it is. */
export type AdmitOperator = (fields: readonly HeaderField[]) => Promise<Refusal | undefined>;

export function createOperatorAdmission(callers: Callers, operator: ServiceAccount): AdmitOperator {
  return async (fields) => {
    const token = bearerTokenOf(fields, OPERATOR_AUDIENCE);
    if (isRefusal(token)) return token;
    const who = identified(await callers.of(token));
    if (isRefusal(who)) return who;
    if (who.namespace === operator.namespace && who.name === operator.name) return undefined;
    const message =
      `the service account ${who.name} of the namespace ${who.namespace} is not the operator of this gateway; ` +
      `--operator names ${operator.namespace}/${operator.name}`;
    return { code: 'NotAllowed', message };
  };
}
