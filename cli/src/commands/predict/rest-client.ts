import { CliError } from '../../errors.ts';
import type { Answer } from './answer.ts';
import type { ModelClient } from './model-client.ts';
import type { ModelMetadata, Tensor } from './tensors.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends to the server, from `/v2` on. Rejects where nothing answers. */
export type Send = (request: {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}) => Promise<HttpAnswer>;

/** The Open Inference Protocol over HTTP. `where` names the server in messages. */
export function createRestClient(send: Send, model: string, where: string): ModelClient {
  const path = `/v2/models/${encodeURIComponent(model)}`;
  return {
    async metadata() {
      const answer = await send({ method: 'GET', path });
      return parse<ModelMetadata>(answer, { model, where });
    },
    async infer(inputs) {
      const answer = await send({ method: 'POST', path: `${path}/infer`, body: JSON.stringify({ inputs }) });
      const { model_name, model_version = '', outputs } = parse<RestAnswer>(answer, { model, where });
      return { model: model_name, version: model_version, outputs } satisfies Answer;
    },
    close() {},
  };
}

interface RestAnswer {
  readonly model_name: string;
  readonly model_version?: string;
  readonly outputs: readonly Tensor[];
}

function parse<T>(
  { status, text }: HttpAnswer,
  { model, where }: { readonly model: string; readonly where: string },
): T {
  const body = parseJson(text) as (T & { readonly error?: string; readonly message?: string }) | undefined;
  if (status >= 200 && status < 300 && body !== undefined) return body;
  const words = body?.error ?? body?.message ?? (text.trim().slice(0, 200) || 'no explanation');
  if (status === 403) {
    throw new CliError(
      `You may not reach ${where}: ${words}`,
      'Ask for the right to create pods/proxy, or reach it with kubectl port-forward and --url.',
    );
  }
  if (status === 404)
    throw new CliError(
      `${where} has no model "${model}": ${words}`,
      'The model has the name of its InferenceService; with --url, say which: slipway predict NAME',
    );
  if (status >= 200 && status < 300) {
    throw new CliError(
      `${where} does not answer in JSON.`,
      'Is it a server of the Open Inference Protocol, over HTTP?',
    );
  }
  throw new CliError(
    `${where} refuses (${status}): ${words}`,
    status < 500 ? 'Correct the request.' : `Look at its log: slipway logs service ${model}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
