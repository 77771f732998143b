/** One line of JSON an event, on stdout, in pino's layout. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

const INFO = 30;
const ERROR = 50;

/** `write` takes a line with its line break; `now` gives milliseconds since 1970. */
export function createLog(
  write: (line: string) => void,
  now: () => number,
  fixed: Readonly<Record<string, unknown>>,
): Log {
  function line(level: number, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    write(`${JSON.stringify({ level, time: now(), ...fixed, ...fields, msg: message })}\n`);
  }
  return {
    info: (message, fields) => line(INFO, message, fields),
    error: (message, fields) => line(ERROR, message, fields),
  };
}
