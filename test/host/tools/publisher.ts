/** A publisher of tools on loopback, with a mirror's layout, and what may go wrong at one. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TOOLS, type ToolName } from '../../../src/host/tools/catalogue.ts';
import { thisPlatform } from '../../../src/host/tools/platform.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A program that says of itself what such a tool of this version says. */
export function program(name: ToolName, version: string): string {
  const says = {
    kind: `kind v${version} go1.26.3 linux/amd64`,
    helm: `v${version}`,
    cilium: `cilium-cli: v${version} compiled with go1.26.3 on linux/amd64\ncilium image (default): v1.19.1`,
  }[name];
  return `#!/bin/sh\necho '${says}'\n`;
}

/** Writes an executable file. */
export function writeProgram(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/** What is published of a tool's version: the program, or an archive with it. */
export function asset(name: ToolName, version: string, text = program(name, version)): Buffer {
  const member = TOOLS[name].member(thisPlatform()!);
  if (member === undefined) return Buffer.from(text);
  const directory = mkdtempSync(path.join(tmpdir(), 'rehearse-asset-'));
  try {
    writeProgram(path.join(directory, member), text);
    writeFileSync(path.join(directory, 'LICENSE'), 'x');
    execFileSync('tar', ['-czf', 'asset.tar.gz', member, 'LICENSE'], { cwd: directory });
    return readFileSync(path.join(directory, 'asset.tar.gz'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Where a mirror has an asset. */
export function assetPath(name: ToolName, version: string): string {
  return `/${TOOLS[name].id}/v${version}/${TOOLS[name].asset(version, thisPlatform()!)}`;
}

export class Publisher implements AsyncDisposable {
  readonly routes = new Map<string, Handler>();
  /** `GET /path` in the order of arrival. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(this.#serve);
  }

  static async start(): Promise<Publisher> {
    const publisher = new Publisher();
    publisher.#server.listen(0, '127.0.0.1');
    await once(publisher.#server, 'listening');
    return publisher;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Publishes a version with its checksum. */
  publish(name: ToolName, version: string, bytes = asset(name, version)): Buffer {
    const at = assetPath(name, version);
    this.routes.set(at, (_request, response) => response.end(bytes));
    this.routes.set(`${at}.sha256sum`, (_request, response) =>
      response.end(`${sha256(bytes)}  ${path.basename(at)}\n`),
    );
    return bytes;
  }

  /** Answers in this order, the last one for ever. */
  inTurn(at: string, ...handlers: Handler[]): void {
    let turn = 0;
    this.routes.set(at, (request, response) => handlers[Math.min(turn++, handlers.length - 1)]!(request, response));
  }

  count(at: string): number {
    return this.requests.filter((request) => request === `GET ${at}`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  readonly #serve: RequestListener = (request, response) => {
    this.requests.push(`${request.method} ${request.url}`);
    this.headers.push(request.headers);
    const handler = this.routes.get(request.url!);
    if (handler !== undefined) {
      handler(request, response);
      return;
    }
    response.statusCode = 404;
    response.end('not here');
  };
}

/** Answers with a status, and perhaps headers. */
export function status(code: number, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(code, headers);
    response.end(`status ${code}`);
  };
}
