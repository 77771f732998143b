import { expect, it } from 'vitest';
import { createExpiry } from './expiry.ts';

const LIST = '/api/v1/namespaces/a/pods?labelSelector=x%3Dy&limit=500';
const WATCH = '/api/v1/namespaces/a/pods?watch=true&resourceVersion=7&labelSelector=x%3Dy';

it('forgets what one watch selects until it is listed again', () => {
  const expiry = createExpiry();
  expiry.forget(WATCH);

  expect(expiry.isForgotten(WATCH.replace('7', '9'))).toBe(true);
  expect(expiry.isForgotten(WATCH.replace('x%3Dy', 'x%3Dz'))).toBe(false);
  expiry.listed(LIST.replace('/a/', '/b/'));
  expect(expiry.isForgotten(WATCH)).toBe(true);
  expiry.listed(LIST);
  expect(expiry.isForgotten(WATCH)).toBe(false);
});
