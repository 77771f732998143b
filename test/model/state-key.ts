/** Equal states have equal texts. */
import type { Id, Objects } from './api-model.ts';
import type { Answer, Request } from './requests.ts';

const keys = new WeakMap<Objects, string>();

export function objectsKey(objects: Objects): string {
  const known = keys.get(objects);
  if (known !== undefined) return known;
  const numbers = [...objects].map(([id, { content, version }]): [Id, string] => [id, `${content.number}@${version}`]);
  const key = numbers
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, number]) => number)
    .join(' ');
  keys.set(objects, key);
  return key;
}

export function answerKey(answer: Answer): string {
  if (answer.kind === 'lost') return 'lost';
  if (answer.kind === 'error') return answer.reason;
  const { stored, items = [] } = answer;
  return ['ok', ...[stored ?? [], ...items].flat().map(({ content, version }) => `${content.number}@${version}`)].join(
    ' ',
  );
}

const requests = new WeakMap<Request, string>();

export function requestKey(request: Request): string {
  const key = requests.get(request) ?? JSON.stringify(request);
  requests.set(request, key);
  return key;
}
