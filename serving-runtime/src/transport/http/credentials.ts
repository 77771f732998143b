import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../../server/access/access.ts';
import { peerOf } from '../peer.ts';

export function credentialsOf({ headers, socket }: IncomingMessage): Credentials {
  return { authorization: headers.authorization, peerNames: peerOf(socket).names };
}
