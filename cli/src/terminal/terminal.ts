import type { Paint } from './style.ts';

/** Everything that a command reads from and writes to a person. */
export interface Terminal {
  /** To stdout: results, and nothing else, so that they can be piped. */
  write(text: string): void;
  /** To stderr: notes and progress. */
  note(text: string): void;
  readonly paint: Paint;
  /** Width in columns; undefined where stdout is no terminal, and nothing has to fit. */
  readonly width: number | undefined;
  /** All of stdin. */
  readInput(): Promise<string>;
}
