/** What the head of an answer says (RFC 9113, sections 8.1.1 and 8.3.2). */
import type { HeaderField, ReceivedField } from '@slipway/serving-runtime/transport/http2/header-field';
import { areRegular, contentLengthOf } from '@slipway/serving-runtime/transport/http2/regular-fields';

export interface ReceivedAnswer {
  readonly status: number;
  /** Without the pseudo-field. */
  readonly fields: readonly HeaderField[];
  /** undefined when none was announced. */
  readonly contentLength: number | undefined;
}

const STATUS = /^[1-9]\d\d$/;

/** undefined when it is malformed. */
export function readAnswerHead(received: readonly ReceivedField[]): ReceivedAnswer | undefined {
  const [status, ...fields] = received;
  if (status?.name !== ':status' || !STATUS.test(status.value) || !areRegular(fields)) return undefined;
  const contentLength = contentLengthOf(fields);
  return contentLength === 'wrong' ? undefined : { status: Number(status.value), fields, contentLength };
}
