/** RFC 7541, appendix A. The first has index 1. */
import { receivedField } from './header-field.ts';
import type { ReceivedField } from './header-field.ts';

const VALUES: readonly (readonly [name: string, ...values: string[]])[] = [
  [':authority', ''],
  [':method', 'GET', 'POST'],
  [':path', '/', '/index.html'],
  [':scheme', 'http', 'https'],
  [':status', '200', '204', '206', '304', '400', '404', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
];
const NAMES =
  'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control content-disposition ' +
  'content-encoding content-language content-length content-location content-range content-type cookie date etag expect expires ' +
  'from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards ' +
  'proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security ' +
  'transfer-encoding user-agent vary via www-authenticate';

export const STATIC_TABLE: readonly ReceivedField[] = [
  ...VALUES.flatMap(([name, ...values]) => values.map((value) => receivedField(name, value))),
  ...NAMES.split(' ').map((name) => receivedField(name, '')),
];
