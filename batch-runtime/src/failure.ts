import type { BatchReason } from '@slipway/crds/batch';

/** A person has to change something: a file, a column, a value in their YAML. Ends the command with exit code 3. */
export class BatchError extends Error {
  override name = 'BatchError';
  readonly reason: BatchReason;

  constructor(reason: BatchReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
