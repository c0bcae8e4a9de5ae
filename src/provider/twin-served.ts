/** The embedded cluster opened to other programs: its API over HTTP on loopback, its published ports, and time at the wall's pace. */
import { serveHttp } from '../twin/api/http-server.ts';
import { type PublishedPorts, servePublishedPorts } from '../twin/published-ports.ts';
import type { TwinProvider } from './twin.ts';

export interface ServeOptions {
  /** Port of the API server on 127.0.0.1; 0: any free one. */
  readonly port: number;
  /** Virtual seconds in a real one. */
  readonly speed: number;
  /** What a client must know: it stands at the head of the path. */
  readonly token: string;
  /** Time goes at the wall's pace until this aborts. */
  readonly signal: AbortSignal;
}

export interface ServedTwin {
  /** `http://127.0.0.1:PORT`, without the token. */
  readonly url: string;
  readonly ports: Pick<PublishedPorts, 'open' | 'taken'>;
  close(): Promise<void>;
}

/**
 * To be called inside the provider's `run`, while nothing else is under way.
 * @throws the system's error when the port cannot be had
 */
export async function serveTwin({ twin }: TwinProvider, options: ServeOptions): Promise<ServedTwin> {
  const { clock, server, cluster } = twin;
  const opened = await clock.track(async () => {
    const http = await serveHttp({ clock, server, port: options.port, token: options.token });
    return { http, ports: await servePublishedPorts(cluster) };
  });
  clock.pace(options.speed, options.signal);
  return {
    url: opened.http.url,
    ports: opened.ports,
    close: () =>
      clock.track(async () => {
        await opened.ports.close();
        await opened.http.close();
      }),
  };
}
