/** Fetches over HTTP, past or through proxies, with retries where they may help, and says what kind of failure it was. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import type { Clock } from '../../time/clock.ts';
import { diskProblem, ToolProblem } from './problem.ts';
import { shown } from './source.ts';

/** Waits before the second attempt and those after it, in milliseconds. */
const PAUSES_MS = [1_000, 3_000, 9_000, 27_000] as const;
/** The longest pause that a server may ask for (Retry-After); one that asks for more is not waited for. */
const MOST_PAUSE_MS = 60_000;
/** What one attempt may take: 50 MB at 2 Mbit/s. */
const ATTEMPT_MS = 300_000;
/** Without a byte for so long the connection is given up. */
const IDLE_MS = 30_000;
const CONNECT_MS = 15_000;
const MOST_REDIRECTS = 8;
/** No tool is as large: cilium-cli 0.19 is about 50 MB packed. */
const MOST_FILE = 400 * 1024 * 1024;
const MOST_TEXT = 64 * 1024;

export interface DownloadOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
}

/** What an attempt came to; whether another may help. */
class Attempt extends Error {
  readonly problem: ToolProblem;
  /** Milliseconds that the server asks to wait; undefined: ours. */
  readonly after: number | undefined;
  readonly again: boolean;
  constructor(problem: ToolProblem, again: boolean, after?: number) {
    super(problem.message);
    this.problem = problem;
    this.again = again;
    this.after = after;
  }
}

export class Downloads {
  readonly #options: DownloadOptions;
  readonly #dispatcher: Dispatcher;

  /** @throws ToolProblem `unusable` when a proxy variable holds no address. */
  constructor(options: DownloadOptions) {
    this.#options = options;
    const { environment } = options;
    const either = (name: string): string => environment[name.toLowerCase()] ?? environment[name] ?? '';
    try {
      this.#dispatcher = new EnvHttpProxyAgent({
        httpProxy: either('HTTP_PROXY'),
        httpsProxy: either('HTTPS_PROXY'),
        noProxy: either('NO_PROXY'),
        connect: { timeout: CONNECT_MS },
        headersTimeout: IDLE_MS,
        bodyTimeout: IDLE_MS,
      });
    } catch (error) {
      throw new ToolProblem(
        'unusable',
        'HTTP_PROXY or HTTPS_PROXY is no address of a proxy; correct or unset it',
        error,
      );
    }
  }

  /** Closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  /** A short text. @throws ToolProblem */
  text(url: URL): Promise<string> {
    return this.#attempts(url, async (signal) => {
      const { body } = await this.#get(url, signal, true);
      const chunks: Buffer[] = [];
      await take(body, MOST_TEXT, url, (chunk) => {
        chunks.push(chunk);
      });
      return Buffer.concat(chunks).toString('utf8');
    });
  }

  /** Where it redirects to. @throws ToolProblem */
  redirect(url: URL): Promise<string> {
    return this.#attempts(url, async (signal) => {
      const { headers, body } = await this.#get(url, signal, false);
      await body.dump();
      const location = headers.location;
      if (typeof location === 'string') return location;
      throw new Attempt(new ToolProblem('network', `${shown(url)} does not redirect to the newest version`), false);
    });
  }

  /** Whether something is there; where that cannot be told (a mirror without HEAD), it is. */
  async exists(url: URL): Promise<boolean> {
    try {
      await this.#attempts(url, async (signal) => (await this.#get(url, signal, true, 'HEAD')).body.dump());
      return true;
    } catch (error) {
      if (error instanceof ToolProblem) return error.cause !== 'not-found';
      throw error;
    }
  }

  /** Writes it to a file and returns its SHA-256 (hex). @throws ToolProblem */
  file(url: URL, file: string): Promise<string> {
    return this.#attempts(url, async (signal) => {
      const { body } = await this.#get(url, signal, true);
      await using out = await open(file, 'w');
      const hash = createHash('sha256');
      await take(body, MOST_FILE, url, async (chunk) => {
        hash.update(chunk);
        await out.write(chunk);
      });
      return hash.digest('hex');
    });
  }

  async #attempts<T>(url: URL, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, signal, log } = this.#options;
    for (let tried = 1; ; tried++) {
      using limit = clock.deadline(ATTEMPT_MS, signal);
      try {
        return await attempt(limit.signal);
      } catch (error) {
        signal.throwIfAborted();
        const failed = attemptFailed(error, url);
        const pause = failed.after ?? PAUSES_MS[tried - 1];
        if (!failed.again || pause === undefined || pause > MOST_PAUSE_MS || tried > PAUSES_MS.length) {
          throw failed.problem;
        }
        log(`${failed.problem.message}; again in ${pause / 1_000} s`);
        limit.clear();
        await clock.sleep(pause, signal);
      }
    }
  }

  /** One request and the redirects it leads to; resolves with an answer of 2xx, or of 3xx where these are not followed. */
  async #get(start: URL, signal: AbortSignal, follow: boolean, method: 'GET' | 'HEAD' = 'GET') {
    let url = start;
    for (let redirects = 0; ; redirects++) {
      const answer = await request(plain(url), {
        method,
        signal,
        dispatcher: this.#dispatcher,
        headers: { 'user-agent': 'cni-rehearsal', ...(url.origin === start.origin ? credentials(start) : {}) },
      });
      const { statusCode, headers } = answer;
      if (statusCode >= 200 && statusCode < 300) return answer;
      const redirected = statusCode >= 300 && statusCode < 400 && typeof headers.location === 'string';
      if (redirected && !follow) return answer;
      await answer.body.dump();
      if (!redirected) throw refusal(url, statusCode, headers);
      const next = URL.parse(headers.location as string, url.href);
      const why =
        next === null || !/^https?:$/.test(next.protocol)
          ? 'redirects to what is no address'
          : url.protocol === 'https:' && next.protocol === 'http:'
            ? 'redirects from https to http'
            : redirects >= MOST_REDIRECTS
              ? 'redirects without end'
              : undefined;
      if (why !== undefined) throw new Attempt(new ToolProblem('network', `${shown(url)} ${why}`), false);
      url = next!;
    }
  }
}

/** Hands on what comes. @throws Attempt when it is too much; what a connection or `each` throws */
async function take(
  body: AsyncIterable<Buffer>,
  most: number,
  url: URL,
  each: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > most) {
      throw new Attempt(
        new ToolProblem('unusable', `${shown(url)} is larger than ${most} bytes, so it is no tool`),
        false,
      );
    }
    await each(chunk);
  }
}

function refusal(url: URL, status: number, headers: Dispatcher.ResponseData['headers']): Attempt {
  const told = `${shown(url)} answered ${status}`;
  if (status === 404 || status === 410) return new Attempt(new ToolProblem('not-found', told), false);
  // GitHub counts requests by address and says 403 as well (docs.github.com, REST API rate limits).
  if (status === 429 || (status === 403 && headers['x-ratelimit-remaining'] === '0')) {
    const remedy = 'too many requests from this address; try again later, or set download-base-url to a mirror';
    return new Attempt(new ToolProblem('rate-limited', `${told}: ${remedy}`), true, retryAfter(headers));
  }
  if (status >= 500 || status === 408 || status === 425) {
    const remedy = 'try again later, or set download-base-url to a mirror';
    return new Attempt(new ToolProblem('network', `${told}; ${remedy}`), true, retryAfter(headers));
  }
  return new Attempt(new ToolProblem('network', `${told}; a proxy or a mirror does not let us through`), false);
}

/** In milliseconds; only the form in seconds, as the other one compares two machines' clocks. */
function retryAfter(headers: Dispatcher.ResponseData['headers']): number | undefined {
  const value = headers['retry-after'];
  return typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined;
}

function attemptFailed(error: unknown, url: URL): Attempt {
  if (error instanceof Attempt) return error;
  const disk = diskProblem(error, `the download of ${shown(url)}`);
  if (disk !== undefined) return new Attempt(disk, false);
  const { code, message } = innermost(error);
  const [remedy, again] = remedyFor(code, message);
  const text = `${shown(url)} could not be fetched: ${message}; ${remedy}`;
  return new Attempt(new ToolProblem('network', text, error), again);
}

/** And whether another attempt may help. */
function remedyFor(code: string | undefined, message: string): readonly [string, boolean] {
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code ?? '')) {
    return ['where a proxy opens TLS, name its authority in NODE_EXTRA_CA_CERTS', false];
  }
  // undici 8.12, lib/dispatcher/proxy-agent.js: `Proxy Authentication Required (407)`, and of tunnels `Proxy response (407) …`.
  if (message.includes('(407)'))
    return ['write name and password into the variable, as http://NAME:PASSWORD@PROXY:PORT', false];
  return ['check the network and the variables HTTPS_PROXY and NO_PROXY, or set download-base-url to a mirror', true];
}

/** undici wraps what the socket said. */
function innermost(error: unknown): { code: string | undefined; message: string } {
  let inner = error instanceof Error ? error : new Error(String(error));
  if (inner instanceof AggregateError && inner.errors[0] instanceof Error) inner = inner.errors[0];
  for (let depth = 0; inner.cause instanceof Error && depth < 5; depth++) inner = inner.cause;
  return { code: (inner as NodeJS.ErrnoException).code, message: inner.message || inner.name };
}

/** Without what belongs into a header. */
function plain(url: URL): URL {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy;
}

function credentials(url: URL): Record<string, string> {
  if (url.username === '') return {};
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
