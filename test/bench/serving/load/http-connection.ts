/** A client's connection over HTTP/1.1 that asks the same again as soon as it has its answer. */
import { connect } from 'node:net';
import type { Connection, Tell } from './connection.ts';

export interface HttpLoad {
  readonly port: number;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: Buffer;
  /** Milliseconds from an answer to the next request. */
  readonly pause?: number;
}

export function openHttpConnection({ port, method, path, body, pause = 0 }: HttpLoad, tell: Tell): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const head = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json'];
  const request = Buffer.concat([Buffer.from([...head, `Content-Length: ${body.length}`, '', ''].join('\r\n')), body]);
  let started = 0;
  let received = '';
  const ask = () => {
    started = performance.now();
    received = '';
    socket.write(request);
  };
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
    const ending = received.indexOf('\r\n\r\n');
    if (ending < 0) return;
    const length = /^content-length: *(\d+)/im.exec(received)?.[1];
    if (length === undefined) throw new Error('the server answered without a Content-Length');
    if (received.length < ending + 4 + Number(length)) return;
    tell(performance.now() - started, received.startsWith('HTTP/1.1 200'));
    if (pause > 0) setTimeout(ask, pause);
    else ask();
  });
  ask();
  return { close: () => socket.destroy() };
}
