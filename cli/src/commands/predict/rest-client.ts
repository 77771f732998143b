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
      return parse(answer, { model, where }) as ModelMetadata;
    },
    async infer(inputs) {
      const answer = await send({ method: 'POST', path: `${path}/infer`, body: JSON.stringify({ inputs }) });
      const { model_name, model_version = '', outputs } = parse(answer, { model, where }) as RestAnswer;
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

interface Asked {
  readonly model: string;
  readonly where: string;
}

/** The JSON of an answer that went well. Throws CliError for any other. */
function parse(answer: HttpAnswer, asked: Asked): unknown {
  const { status, text } = answer;
  const isGood = status >= 200 && status < 300;
  const body = parseJson(text);
  if (isGood && body !== undefined) return body;
  if (isGood) {
    const hint = 'Is it a server of the Open Inference Protocol, over HTTP?';
    throw new CliError(`${asked.where} does not answer in JSON.`, hint);
  }
  throw refusal(status, wordsOf(answer), asked);
}

function refusal(status: number, words: string, { model, where }: Asked): CliError {
  if (status === 403) {
    const hint = 'Ask for the right to create pods/proxy, or reach it with kubectl port-forward and --url.';
    return new CliError(`You may not reach ${where}: ${words}`, hint);
  }
  if (status === 404) {
    const hint = 'The model has the name of its InferenceService; with --url, say which: slipway predict NAME';
    return new CliError(`${where} has no model "${model}": ${words}`, hint);
  }
  const hint = status < 500 ? 'Correct the request.' : `Look at its log: slipway logs service ${model}`;
  return new CliError(`${where} refuses (${status}): ${words}`, hint);
}

/** What an answer says of itself: `error` of a model server or a gateway, `message` of the API server. */
export function wordsOf({ text }: HttpAnswer): string {
  const { error, message } = (parseJson(text) ?? {}) as { readonly error?: string; readonly message?: string };
  return error ?? message ?? (text.trim().slice(0, 200) || 'no explanation');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
