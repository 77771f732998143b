/** Everything but the printable characters of ASCII, and the sign of the encoding itself. */
const ENCODED = /[^\x20-\x24\x26-\x7e]+/gu;

/** The words of a failure as `grpc-message` carries them: UTF-8, percent-encoded. */
export function encodeGrpcMessage(message: string): string {
  return message.replace(ENCODED, (part) =>
    Array.from(Buffer.from(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
