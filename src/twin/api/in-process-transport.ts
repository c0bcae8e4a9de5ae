/** The API server behind the port without sockets: the requests of a deterministic run. */
import type { ApiRequest, ApiResponse, Transport } from '../../kube/transport.ts';
import type { ApiServer } from './server.ts';
import { socketError, type Turnstile } from './turnstile.ts';

/** Requests pass the clock's turnstile like those that come over sockets, so that both kinds of run are the same. */
export function createInProcessTransport({ clock, server }: { clock: Turnstile; server: ApiServer }): Transport {
  const admit = <T>(request: ApiRequest, serve: () => T): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const { signal } = request;
      const stop = (): void => reject(signal?.reason as Error);
      if (signal?.aborted === true) return stop();
      signal?.addEventListener('abort', stop, { once: true });
      clock.admit(
        request.issue,
        () => {
          signal?.removeEventListener('abort', stop);
          // What else is thrown here is a bug of the embedded world. It must end the run: handed on as a failed request it
          // would read as an API that does not answer.
          if (server.available()) resolve(serve());
          else reject(socketError('ECONNREFUSED'));
        },
        signal,
      );
    });

  return {
    request: (request) => admit(request, () => server.handle(request)),
    stream: async (request, onOpen, onLine) => {
      const { watch: id, signal } = request;
      if (id === undefined) throw new Error('a watch of the embedded server needs its ticket');
      const ended = Promise.withResolvers<ApiResponse | undefined>();
      // The end queues behind the lines before it, as it does on a socket.
      const opened = await admit(request, () =>
        server.watch(request, {
          open: onOpen,
          line: (text) => clock.deliver(id, () => onLine(text)),
          end: (how) =>
            clock.deliver(id, () =>
              how === 'over' ? ended.resolve(undefined) : ended.reject(socketError('ECONNRESET')),
            ),
        }),
      );
      if ('refused' in opened) return opened.refused;
      const stop = (): void => {
        opened.cancel();
        ended.resolve(undefined);
      };
      if (signal?.aborted === true) stop();
      signal?.addEventListener('abort', stop, { once: true });
      try {
        return await ended.promise;
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
    close: () => Promise.resolve(),
  };
}
