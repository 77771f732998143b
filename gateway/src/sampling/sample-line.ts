/** A sample as a line of JSON. Pure. Whatever clients send, a program that reads JSON strictly reads every line. */
import { isUtf8 } from 'node:buffer';
import { exceedsDepth } from '@slipway/serving-runtime/protocol/json-depth';
import type { Sample, SampledBody } from './sample.ts';

const MAX_DEPTH = 100;

export function sampleLine(sample: Sample): string {
  const { startedAt, requestId, namespace, service, revision, modelVersion, isGrpc, method, path } = sample;
  const { isMirrored, outcome, code, durationSeconds, request, answer } = sample;
  const head = JSON.stringify({
    time: new Date(startedAt).toISOString(),
    requestId,
    namespace,
    service,
    revision,
    modelVersion,
    mirrored: isMirrored,
    protocol: isGrpc ? 'grpc' : 'http',
    method,
    path,
    outcome,
    code,
    durationSeconds: Math.round(durationSeconds * 1e6) / 1e6,
  });
  const answered = answer === undefined ? '' : `,"answer":${bodyJson(answer)}`;
  return `${head.slice(0, -1)},"request":${bodyJson(request)}${answered}}\n`;
}

function bodyJson({ start, bytes, contentType, contentEncoding, inferenceHeaderLength }: SampledBody): string {
  const isTruncated = start.length < bytes;
  const head = JSON.stringify({ contentType, contentEncoding, inferenceHeaderLength, bytes, truncated: isTruncated });
  if (start.length === 0) return head;
  const json = isTruncated ? undefined : asJson(start);
  const value = json === undefined ? `"base64":"${start.toString('base64')}"` : `"json":${json}`;
  return `${head.slice(0, -1)},${value}}`;
}

const LIST = 0x5b;
const OBJECT = 0x7b;
const BLANKS: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** The text as it came, since a parser of JavaScript would change long numbers; undefined where it is no list and no object. */
function asJson(body: Buffer): string | undefined {
  const first = body.find((byte) => !BLANKS.has(byte));
  if (first !== LIST && first !== OBJECT) return undefined;
  if (!isUtf8(body) || exceedsDepth(body, MAX_DEPTH)) return undefined;
  const text = body.toString('utf8');
  if (hasLoneSurrogate(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  // Within strings of valid JSON there are none.
  return text.replaceAll(/[\r\n]/g, ' ').trim();
}

const SURROGATE = String.raw`\\u[dD]`;
const PAIR = new RegExp(`${SURROGATE}[89abAB][0-9a-fA-F]{2}${SURROGATE}[c-fC-F][0-9a-fA-F]{2}`, 'g');
const SURROGATES = new RegExp(`${SURROGATE}[89a-fA-F]`);

/** JavaScript takes half of a character for JSON, and most others, which then do not read the whole file, do not. */
function hasLoneSurrogate(text: string): boolean {
  return SURROGATES.test(text) && SURROGATES.test(text.replaceAll(PAIR, ''));
}
