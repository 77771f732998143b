import { describe, expect, it } from 'vitest';
import { aToken } from '../testing/tokens.ts';
import { AUDIENCE, bearerTokenOf } from './bearer-token.ts';

const authorization = (value: string) => ({ name: 'authorization', value });

describe('a token is taken', () => {
  it.each([
    ['of a list of audiences', `Bearer ${aToken({ aud: ['vault', 'slipway'] })}`],
    ['of one audience', `Bearer ${aToken({ aud: 'slipway' })}`],
    ['whatever the letters of Bearer', `bEARER  ${aToken()} `],
  ])('%s', (_, value) => {
    expect(bearerTokenOf([{ name: 'accept', value: '*/*' }, authorization(value)], AUDIENCE)).toMatchObject({
      text: value.trim().split(/ +/)[1],
      expiresAt: 4_000_000_000,
    });
  });
});

describe('a request is refused without a question to anybody', () => {
  const claims = Buffer.from('{"aud":"slipway"}').toString('base64url');
  it.each([
    ['no Authorization', [], 'NoToken', /this service asks who you are; send|: send "Authorization: Bearer"/],
    ['two', [authorization(`Bearer ${aToken()}`), authorization('Bearer x')], 'InvalidToken', /more than one/],
    ['another scheme', [authorization(`Basic ${aToken()}`)], 'InvalidToken', /holds no token/],
    ['nothing behind Bearer', [authorization('Bearer ')], 'InvalidToken', /holds no token/],
    ['no JSON Web Token', [authorization('Bearer secret')], 'InvalidToken', /holds no token/],
    ['no JSON in it', [authorization('Bearer a.b.c')], 'InvalidToken', /holds no token/],
    ['JSON that is no object', [authorization('Bearer a.MQ.c')], 'InvalidToken', /holds no token/],
    [
      'a token for the API server',
      [authorization(`Bearer ${aToken({ aud: ['https://kubernetes.default.svc'] })}`)],
      'InvalidToken',
      /not for the audience slipway; send/,
    ],
    ['a token without an end', [authorization(`Bearer a.${claims}.c`)], 'InvalidToken', /no time at which it expires/],
  ])('%s', (_, fields, code, message) => {
    expect(bearerTokenOf(fields, AUDIENCE)).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});
