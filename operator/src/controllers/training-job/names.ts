import { childName } from '../../names.ts';

export function attemptJobName(trainingJob: string, attempt: number): string {
  return childName(trainingJob, String(attempt));
}

export function publishJobName(trainingJob: string, attempt: number): string {
  return childName(trainingJob, `publish-${attempt}`);
}

/** The headless Service through which the pods find each other. Not the bare name: that is the address of an InferenceService. */
export function serviceName(trainingJob: string): string {
  return childName(trainingJob, 'nodes');
}
