/** Ports of an embedded node on this machine's loopback interface, as Docker publishes those of kind's configuration. */
import { createServer, type Server } from 'node:http';
import type { Cluster, PublishedNodePort } from './node/cluster.ts';

export interface PublishedPorts {
  /** Ports that answer now. */
  readonly open: readonly number[];
  /** Ports that somebody else holds, with the system's word for it. */
  readonly taken: readonly { readonly port: number; readonly why: string }[];
  close(): Promise<void>;
}

/** Serves GET until closed: each request is a connection from outside to the node's address, through its rules. */
export async function servePublishedPorts(cluster: Cluster): Promise<PublishedPorts> {
  const servers: Server[] = [];
  const open: number[] = [];
  const taken: { port: number; why: string }[] = [];
  for (const published of cluster.published) {
    const server = serverOf(cluster, published);
    try {
      await listen(server, published.hostPort);
      servers.push(server);
      open.push(published.hostPort);
    } catch (error) {
      taken.push({ port: published.hostPort, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return {
    open,
    taken,
    close: async () => {
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve());
              server.closeAllConnections();
            }),
        ),
      );
    },
  };
}

function serverOf(cluster: Cluster, { node, containerPort }: PublishedNodePort): Server {
  return createServer((request, response) => {
    request.resume();
    const machine = cluster.machines.get(node);
    // Docker's proxy takes the connection whatever is behind it, and breaks it off where nobody answers.
    if (machine === undefined || !machine.containerRunning) return void request.socket.destroy();
    if (request.method !== 'GET') {
      response.writeHead(501, { 'content-type': 'text/plain; charset=utf-8' });
      return void response.end(`not modelled by the twin: ${request.method} to a NodePort\n`);
    }
    const outcome = cluster.world.network.connect({ node }, { ip: machine.address, port: containerPort });
    const answer = outcome.ok ? cluster.pods.answer(outcome.at, request.url ?? '/') : undefined;
    if (answer === undefined) return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-length': Buffer.byteLength(answer.body) });
    response.end(answer.body);
  });
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      // A broken connection is its client's.
      server.on('error', () => undefined);
      resolve();
    });
  });
}
