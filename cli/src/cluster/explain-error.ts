import { KubeApiError, TransientError } from '@slipway/kube';
import { CliError } from '../errors.ts';

export interface Where {
  readonly server: string;
  readonly context: string;
  readonly namespace: string;
}

/** Any failure as two lines for a person. `where` is undefined as long as no cluster was asked. */
export function explainError(cause: unknown, where: Where | undefined): CliError {
  if (cause instanceof CliError) return cause;
  if (where !== undefined && cause instanceof KubeApiError) return explainAnswer(cause, where);
  if (where !== undefined && cause instanceof TransientError) return explainSilence(cause, where);
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CliError(
    `slipway met a case that it does not know: ${message}`,
    'Please report it, with the command and the output of: slipway version',
    { cause },
  );
}

function explainAnswer(cause: KubeApiError, { context, server }: Where): CliError {
  const { code, message } = cause.status;
  const words = message.trim();
  if (code === 401) {
    return new CliError(
      `The API server does not know who you are (context "${context}").`,
      'Log in to the cluster again, or take another --context.',
      { cause },
    );
  }
  if (code === 403) {
    return new CliError(
      `You may not do this: ${missingRight(cause)}`,
      'Ask for the right, or look into a namespace that is yours with -n.',
      { cause },
    );
  }
  if (code === 404 && /could not find the requested resource|page not found/.test(words)) {
    return new CliError(
      `Slipway is not installed in this cluster (context "${context}").`,
      'Install it (docs/install.md), or take another --context.',
      { cause },
    );
  }
  return new CliError(
    `The API server refuses: ${words}`,
    `It is ${server} (context "${context}"), and answered ${code}.`,
    {
      cause,
    },
  );
}

/** What the API server says of a right that is missing, after the name of the object. */
export function missingRight({ status }: KubeApiError): string {
  return status.message.trim().replace(/^\S+ is forbidden: /, '');
}

function explainSilence(cause: TransientError, { context, server }: Where): CliError {
  const words = cause.message.replace(/^(GET|POST|PATCH|DELETE) \S+: /, '');
  return new CliError(
    `The API server at ${server} does not answer: ${words}`,
    `Is it running, and is "${context}" the right context? kubectl cluster-info asks the same.`,
    { cause },
  );
}
