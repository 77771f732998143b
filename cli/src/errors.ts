/** What ends a command: a line that says what is wrong, and one that says what to do. Neither is ever a stack trace. */
export class CliError extends Error {
  override name = 'CliError';
  readonly hint: string;
  readonly exitCode: number = 1;

  constructor(what: string, hint: string, options?: ErrorOptions) {
    super(what, options);
    this.hint = hint;
  }
}

/** The command line itself is wrong. */
export class UsageError extends CliError {
  override name = 'UsageError';
  override readonly exitCode = 2;
}
