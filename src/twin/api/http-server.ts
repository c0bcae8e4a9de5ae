/** The API server over real HTTP on the loopback interface. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cancel } from '../world.ts';
import { admitted } from './access.ts';
import { V2_TYPE } from './openapi-v2.ts';
import { PROTOBUF } from './protobuf.ts';
import type { ApiServer, ServerAnswer, ServerRequest } from './server.ts';
import { StatusError, statusBody } from './status.ts';
import type { Turnstile } from './turnstile.ts';

export interface HttpServerOptions {
  readonly clock: Turnstile;
  readonly server: ApiServer;
  /** 0 unless given: any free port. */
  readonly port?: number;
  /**
   * Runs an action a little later in real time; the conformance test shakes every request, response and watch line with
   * it. Left out: at once.
   */
  readonly jitter?: (action: () => void) => void;
  /** What every request must present (see access.ts); left out: anybody on this machine may ask. */
  readonly token?: string;
}

export interface HttpServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

/** kube-apiserver's limit of a body (recorded). */
const LARGEST_BODY = 3 * 1024 * 1024;
/** A client that takes longer than this for one request is cut off (408). */
const SLOWEST_REQUEST_MS = 60_000;
/** A watch whose client reads so slowly that this much waits for it is ended, as a real server ends it: it has to list again. */
const MOST_UNREAD = 16 * 1024 * 1024;

/** Serves until closed. Requests with `x-rehearsal-issue` pass the turnstile; others are answered as they come. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const { clock, server } = options;
  const later = options.jitter ?? ((action: () => void): void => action());

  const http = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const gone = new AbortController();
    outgoing.on('close', () => gone.abort(new Error('the client has gone')));
    incoming.on('error', () => gone.abort(new Error('the request broke off')));
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_BODY) chunks.push(chunk);
      else if (!outgoing.headersSent) tooLarge(outgoing);
    });
    incoming.on('end', () => {
      if (size > LARGEST_BODY) return;
      const binary = incoming.headers['content-type']?.toLowerCase().startsWith(PROTOBUF) === true;
      const asked = requestOf(incoming, Buffer.concat(chunks).toString(binary ? 'latin1' : 'utf8'));
      const access = options.token === undefined ? asked : admitted(asked, options.token);
      if ('refused' in access) return send(outgoing, access.refused);
      const request = { ...asked, path: access.path };
      const issue = request.headers['x-rehearsal-issue'];
      if (issue === undefined) return guarded(request, outgoing, gone.signal);
      later(() =>
        clock.admit(Number(issue), () => answer(request, outgoing, ticketOf(request), gone.signal), gone.signal),
      );
    });
  });

  const answer = (
    request: ServerRequest,
    outgoing: ServerResponse,
    ticket: number | undefined,
    gone: AbortSignal,
  ): void => {
    if (!server.available()) return void outgoing.socket?.destroy();
    if (server.isWatch(request)) stream(request, outgoing, ticket, gone);
    else {
      const response = server.handle(request);
      later(() => send(outgoing, response));
    }
  };

  /** A defect that a stranger's request brings to light is the stranger's answer, and the end of nothing else. */
  const guarded = (request: ServerRequest, outgoing: ServerResponse, gone: AbortSignal): void => {
    try {
      answer(request, outgoing, undefined, gone);
    } catch (error) {
      const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`;
      if (outgoing.headersSent) outgoing.destroy();
      else send(outgoing, failure(500, 'InternalError', message));
    }
  };

  const stream = (
    request: ServerRequest,
    outgoing: ServerResponse,
    ticket: number | undefined,
    gone: AbortSignal,
  ): void => {
    const inTurn = sequence(later);
    const deliver = (write: () => void): void => {
      if (ticket === undefined) inTurn(write);
      else clock.deliver(ticket, () => inTurn(write));
    };
    const opened = server.watch(request, {
      open: () =>
        inTurn(() => {
          outgoing.writeHead(200, { 'content-type': 'application/json' });
          // Without this nothing is sent before the first line, and a client waits for ever.
          outgoing.flushHeaders();
        }),
      line: (text) =>
        deliver(() => {
          outgoing.write(`${text}\n`);
          // Our own client is counted and reads; anybody else may have stopped.
          if (ticket === undefined && outgoing.writableLength > MOST_UNREAD) outgoing.destroy();
        }),
      end: (how) =>
        deliver(() => {
          if (how === 'over') outgoing.end();
          else outgoing.socket?.destroySoon();
        }),
    });
    if ('refused' in opened) later(() => send(outgoing, opened.refused));
    else onAbort(gone, opened.cancel);
  };

  http.requestTimeout = SLOWEST_REQUEST_MS;
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

function requestOf(incoming: IncomingMessage, body: string): ServerRequest {
  const [path = '/', search = ''] = (incoming.url ?? '/').split('?', 2);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: (incoming.method ?? 'GET') as ServerRequest['method'],
    path,
    query: new Map(new URLSearchParams(search)),
    headers,
    ...(body !== '' && { body }),
  };
}

function ticketOf(request: ServerRequest): number | undefined {
  const ticket = request.query.get('twinWatch');
  return ticket === undefined ? undefined : Number(ticket);
}

function send(outgoing: ServerResponse, response: ServerAnswer): void {
  const { status, headers, body, warnings = [] } = response;
  if (warnings.length > 0) outgoing.setHeader('warning', [...warnings]);
  // Binary answers stand in their text byte by byte.
  const bytes = Buffer.from(body, headers['content-type'] === V2_TYPE ? 'latin1' : 'utf8');
  outgoing.writeHead(status, { ...headers, 'content-length': bytes.length });
  outgoing.end(bytes);
}

function failure(code: number, reason: string, message: string): ServerAnswer {
  const body = JSON.stringify(statusBody(new StatusError(code, reason, message)));
  return { status: code, headers: { 'content-type': 'application/json' }, body };
}

/** Answers before the body is over, and takes no more of it. */
function tooLarge(outgoing: ServerResponse): void {
  const message = `Request entity too large: limit is ${LARGEST_BODY}`;
  outgoing.once('finish', () => outgoing.socket?.destroySoon());
  outgoing.setHeader('connection', 'close');
  send(outgoing, failure(413, 'RequestEntityTooLarge', message));
}

function onAbort(signal: AbortSignal, cancel: Cancel): void {
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
}

/** Actions one after the other, each delayed by itself: what is written to one stream keeps its order. */
function sequence(later: (action: () => void) => void): (action: () => void) => void {
  const waiting: (() => void)[] = [];
  let running = false;
  const next = (): void => {
    const action = waiting.shift();
    if (action === undefined) {
      running = false;
      return;
    }
    running = true;
    later(() => {
      action();
      next();
    });
  };
  return (action) => {
    waiting.push(action);
    if (!running) next();
  };
}
