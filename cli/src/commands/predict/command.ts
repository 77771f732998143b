import { readFile } from 'node:fs/promises';
import type { Arguments, Command, Context } from '../../command.ts';
import { CliError, UsageError } from '../../errors.ts';
import { CLUSTER_FLAGS } from '../../help.ts';
import { renderTable } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { answerTable } from './answer.ts';
import type { Answer } from './answer.ts';
import { csvToTensors } from './csv-to-tensors.ts';
import type { ModelClient } from './model-client.ts';
import { jsonToTensors, setsToTensors } from './other-inputs.ts';
import { reachByUrl, reachThroughApiServer, refuseGrpcThroughApiServer } from './reach.ts';
import { describeInputs } from './tensors.ts';
import type { ModelMetadata, Tensor } from './tensors.ts';
import type { Patience } from './wake.ts';

export const predictCommand: Command = {
  name: 'predict',
  usage: 'SERVICE (--set INPUT=VALUES | --csv FILE | --json FILE)',
  summary: 'ask a model',
  details: `Reads names, types and shapes of the inputs from the model, and says what it expects where they do not fit. Goes through the
API server to a pod that has the traffic (right: create pods/proxy), or straight to --url. gRPC needs --url. A service that has
no pod while nobody asks is woken by way of a gateway, and waited for.

--csv: a row is a prediction. A model with one input takes all columns in their order, or those of --columns; one with several
takes a column for each input, by its name, or NAME.0, NAME.1 … The line with names may be missing where there is one input.
--json: {"INPUT": [[…], …]}, or a request of the Open Inference Protocol; its types and shapes may be left out.`,
  examples: [
    'slipway predict fare --set trip=3.1,12',
    'slipway predict flights --csv flights.csv --columns distance,hour,temp --missing -999',
    `echo '{"trip": [[3.1, 12], [0.8, 6]]}' | slipway predict fare --json - -o json`,
    'slipway predict fare --set trip=3.1,12 --grpc --url localhost:9000',
  ],
  flags: {
    set: {
      type: 'string',
      value: 'INPUT=VALUES',
      multiple: true,
      about: 'values with commas between them; once for each input',
    },
    csv: { type: 'string', value: 'FILE', about: 'rows of a CSV; - reads stdin' },
    columns: { type: 'string', value: 'A,B,C', about: 'the columns of the CSV to send, in this order' },
    missing: { type: 'string', value: 'VALUE', about: 'stands for an empty cell of the CSV' },
    json: { type: 'string', value: 'FILE', about: 'inputs as JSON; - reads stdin' },
    output: { type: 'string', short: 'o', choices: ['table', 'json'], about: 'default: table' },
    timeout: {
      type: 'string',
      value: 'SECONDS',
      about: 'how long to wait for the first pod of a service that has none while nobody asks. Default 120',
    },
    url: { type: 'string', value: 'URL', about: 'address of a model server; no cluster is asked' },
    grpc: { type: 'boolean', about: 'ask over gRPC; needs --url' },
    ...CLUSTER_FLAGS,
  },
  async run(args, context) {
    const [service, ...others] = args.positionals;
    if (service === undefined)
      throw new UsageError('Which service?', 'For example: slipway predict NAME --set INPUT=1,2,3');
    if (others.length > 0)
      throw new UsageError(
        `predict takes one service, and was given ${others.join(', ')} as well.`,
        'Quote values that hold blanks.',
      );
    refuseContradictions(args);
    const client = await reach(service, args, context);
    try {
      const model = await client.metadata();
      const inputs = await readInputs(args, model, context.terminal);
      write(await client.infer(inputs), args, context.terminal);
      return 0;
    } finally {
      client.close();
    }
  },
};

const WAYS = ['set', 'csv', 'json'] as const;

function refuseContradictions(args: Arguments): void {
  const given = WAYS.filter((way) => args.has(way));
  if (given.length > 1) {
    throw new UsageError(`--${given.join(' and --')} do not go together.`, 'Give the inputs in one way.');
  }
  const onlyCsv = ['columns', 'missing'].find((flag) => args.has(flag) && !args.has('csv'));
  if (onlyCsv !== undefined) throw new UsageError(`--${onlyCsv} is for --csv.`, 'Leave it out, or give a CSV.');
}

async function reach(service: string, args: Arguments, context: Context): Promise<ModelClient> {
  const { cluster } = context;
  const url = args.text('url');
  const patience = patienceOf(args, context);
  if (!args.has('grpc'))
    return url === undefined ? reachThroughApiServer(cluster(), service, patience) : reachByUrl(url, service);
  if (url === undefined) return refuseGrpcThroughApiServer(service, cluster().namespace);
  // Loads a second's worth of packages that nobody else needs.
  const { createGrpcClient } = await import('./grpc-client.ts');
  return createGrpcClient(url, service);
}

function patienceOf(args: Arguments, { terminal, signal }: Context): Patience {
  const text = args.text('timeout') ?? '120';
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds >= 1 && seconds <= 3600))
    throw new UsageError(`--timeout cannot be "${text}".`, 'Give seconds from 1 to 3600, such as 120.');
  return { timeoutMs: seconds * 1000, note: (words) => terminal.note(words), signal };
}

async function readInputs(args: Arguments, model: ModelMetadata, terminal: Terminal): Promise<Tensor[]> {
  const [csv, json] = [args.text('csv'), args.text('json')];
  if (csv !== undefined) {
    const columns = args
      .text('columns')
      ?.split(',')
      .map((column) => column.trim());
    return csvToTensors(await readSource(csv, terminal), model, { missing: args.text('missing'), columns });
  }
  if (json !== undefined) return jsonToTensors(await readSource(json, terminal), model);
  if (args.has('set')) return setsToTensors(args.texts('set'), model);
  throw new UsageError(
    `What shall "${model.name}" be asked? It wants: ${describeInputs(model)}`,
    'Give --set INPUT=VALUES, --csv FILE or --json FILE.',
  );
}

async function readSource(path: string, terminal: Terminal): Promise<string> {
  if (path === '-') return terminal.readInput();
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new CliError(
      code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read: ${message}`,
      'Name a file, or - for stdin.',
      { cause },
    );
  }
}

function write(answer: Answer, args: Arguments, terminal: Terminal): void {
  const table = args.text('output') === 'json' ? undefined : answerTable(answer);
  if (table !== undefined) return terminal.write(renderTable(table, terminal));
  const { model, version, outputs } = answer;
  terminal.write(`${JSON.stringify({ model_name: model, model_version: version, outputs }, undefined, 2)}\n`);
}
