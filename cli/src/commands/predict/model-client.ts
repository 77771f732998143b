import type { Answer } from './answer.ts';
import type { ModelMetadata, Tensor } from './tensors.ts';

/** A model server, over whichever protocol and way. Every method rejects with CliError, in the server's own words where it has some. */
export interface ModelClient {
  metadata(): Promise<ModelMetadata>;
  infer(inputs: readonly Tensor[]): Promise<Answer>;
  close(): void;
}
