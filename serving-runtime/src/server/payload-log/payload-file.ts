import { appendFileSync, renameSync, statSync } from 'node:fs';

/** What clients send is not for everybody on the machine. */
const FILE_MODE = 0o640;

/** Better said at once than found when somebody wants to read it. @throws {Error} when the file cannot be written. */
export function checkPayloadFile(file: string): void {
  try {
    // To open one that nobody reads would take for ever.
    if (statSync(file, { throwIfNoEntry: false })?.isFIFO() === true) throw new Error('it is a pipe; give a file');
    appendFileSync(file, '', { mode: FILE_MODE });
  } catch (cause) {
    throw new Error(`--access-log-payload-file cannot be written to: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The file is opened anew for each line, so that somebody else may move it away at any time.
 *
 * @param maxBytes beyond which the file becomes `<file>.1`, and another begins. @throws {Error}
 */
export function appendPayloadLine(file: string, line: string, maxBytes: number): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0 && size + Buffer.byteLength(line) > maxBytes) renameSync(file, `${file}.1`);
  appendFileSync(file, line, { mode: FILE_MODE });
}
