/** A reporter of vitest: errors that belong to no test, which end a run badly although every test of it passed. */
import { writeFileSync } from 'node:fs';
import type { Reporter } from 'vitest/node';

/** Names the file that it writes. */
export const ERRORS_FILE = 'SLIPWAY_UNHANDLED_ERRORS_FILE';

export default class UnhandledErrors implements Reporter {
  onTestRunEnd(...[, errors]: Parameters<NonNullable<Reporter['onTestRunEnd']>>): void {
    const path = process.env[ERRORS_FILE];
    const texts = errors.map(({ name, message, stack }) => stack ?? `${name}: ${message}`);
    if (path !== undefined) writeFileSync(path, JSON.stringify(texts));
  }
}
