/** Tokens that are listed in a file, a line each. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { TokenCheck } from './access.ts';

const MIN_LENGTH = 16;

export interface StaticTokens {
  readonly check: TokenCheck;
  /** @throws {Error} as `readTokens`; the tokens from before go on. */
  use(content: Buffer): void;
}

/** @throws {Error} when it is empty, or has a token that is easily guessed; it never repeats one. */
export function createStaticTokens(content: Buffer): StaticTokens {
  let digests = readTokens(content);
  return {
    // Digests have one length, and all are compared to their ends: the time tells nothing of how much was right.
    check: (token) => {
      const digest = digestOf(token);
      const matches = digests.filter((known) => timingSafeEqual(known, digest));
      return matches.length > 0 ? { identity: undefined } : undefined;
    },
    use: (next) => {
      digests = readTokens(next);
    },
  };
}

function readTokens(content: Buffer): readonly Buffer[] {
  const tokens = content
    .toString()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (tokens.length === 0) throw new Error('the file of tokens has none');
  if (tokens.some((token) => token.length < MIN_LENGTH)) {
    throw new Error(
      `the file of tokens has one of less than ${MIN_LENGTH} characters: openssl rand -hex 32 makes a good one`,
    );
  }
  return tokens.map(digestOf);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
