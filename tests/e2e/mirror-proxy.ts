// A way to the package mirror for machines that have no other: an HTTP proxy for as long as a test runs.
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface MirrorProxy {
  url: string;
  close(): Promise<void>;
}

/** Listens at an address of this machine; plain requests are passed on, and tunnels made where one is asked for. */
export async function openMirrorProxy(address: string): Promise<MirrorProxy> {
  const server = createServer((asked, answer) => {
    const onward = request(asked.url!, { method: asked.method, headers: asked.headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.writeHead(502).end());
    asked.pipe(onward);
  });
  server.on('connect', ({ url = '' }, socket) => {
    const colon = url.lastIndexOf(':');
    const onward = connect(Number(url.slice(colon + 1)), url.slice(0, colon), () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  server.listen(0, address);
  await once(server, 'listening');
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
