/** RFC 9113, section 7. */
export const ErrorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  enhanceYourCalm: 0xb,
} as const;

/** What ends a connection: its peer is told the code by GOAWAY. The message is for logs and tests. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function protocolError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, message);
}

export function enhanceYourCalm(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.enhanceYourCalm, message);
}

export function flowControlError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.flowControlError, message);
}

export function frameSizeError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.frameSizeError, message);
}
