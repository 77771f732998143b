/** Asks the API server whose a token is. */
import { defineKind } from '@slipway/kube';
import type { KubeClient, KubeObject, Logger } from '@slipway/kube';
import type { ReviewToken } from './callers.ts';
import { serviceAccountOf } from './service-account.ts';

interface TokenReview extends KubeObject {
  readonly spec: { readonly token: string; readonly audiences: string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string };
    /** Those of ours that the token is for. None: whoever looked at it knows of no audiences, and it may be for anything. */
    readonly audiences?: string[];
  };
}

const tokenReviews = defineKind<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
});

export interface TokenReviewsOptions {
  readonly client: Pick<KubeClient, 'create'>;
  readonly log: Logger;
  /** Tokens for others are nobody's here. */
  readonly audience: string;
}

export function createTokenReviews({ client, log, audience }: TokenReviewsOptions): ReviewToken {
  let isFailing = false;
  return async (token, signal) => {
    try {
      const { status = {} } = await client.create(
        tokenReviews,
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          // It is stored nowhere; the name is for audit logs.
          metadata: { name: 'slipway-gateway' },
          spec: { token, audiences: [audience] },
        },
        { fieldManager: 'slipway-gateway', signal },
      );
      if (isFailing) log.info({}, 'the API server says again whose tokens are');
      isFailing = false;
      const isOurs = status.authenticated === true && status.audiences?.includes(audience) === true;
      return { serviceAccount: isOurs ? serviceAccountOf(status.user?.username ?? '') : undefined };
    } catch (err) {
      if (!isFailing)
        log.warn({ err }, 'the API server does not say whose tokens are; only those known before are let in');
      isFailing = true;
      throw err;
    }
  };
}
