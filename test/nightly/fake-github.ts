/** A GitHub API on the loopback: issues and files on branches, kept in memory, with trouble on demand. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface FakeIssue {
  number: number;
  title: string;
  body: string;
  labels: string[];
  state: 'open' | 'closed';
  state_reason: string | null;
  closed_at: string | null;
  comments: string[];
}

interface FakeAnswer {
  readonly status: number;
  readonly text: string;
}

interface FakeRelease {
  readonly id: number;
  readonly tag_name: string;
  readonly draft: boolean;
  readonly assets: {
    readonly id: number;
    readonly name: string;
    readonly state: string;
    readonly bytes: readonly number[];
  }[];
}

export class FakeGitHub implements AsyncDisposable {
  readonly issues: FakeIssue[] = [];
  /** `branch:path` to its text. */
  readonly files = new Map<string, string>();
  readonly branches = new Set<string>(['main']);
  /** Tags with the commits that they point to. */
  readonly tags = new Map<string, string>();
  readonly releases: FakeRelease[] = [];
  /** `METHOD path`, in their order. */
  readonly calls: string[] = [];
  /** Answers the first calls that match with a status, once each. */
  readonly trouble: { readonly match: RegExp; readonly status: number; times: number }[] = [];
  readonly unauthorized: string[] = [];
  #server: Server | undefined;
  url = '';

  static async start(): Promise<FakeGitHub> {
    const github = new FakeGitHub();
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (data: Buffer) => chunks.push(data));
      request.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const url = new URL(request.url ?? '/', 'http://x');
        const path = url.pathname.replace('/repos/o/r/', '').replace(/^\/uploads/, 'uploads');
        github.calls.push(`${request.method} ${path}`);
        if (request.headers.authorization !== 'Bearer secret-token') github.unauthorized.push(path);
        const off = github.trouble.find(
          ({ match, times }) =>
            times > 0 && match.test(`${request.method} ${path}${path.startsWith('uploads/') ? url.search : ''}`),
        );
        if (off !== undefined) {
          off.times--;
          response.writeHead(off.status, { 'content-type': 'application/json' }).end('{"message":"made to fail"}');
          return;
        }
        if (path.startsWith('uploads/')) {
          const release = github.releases.find(({ id }) => path === `uploads/${id}/assets`)!;
          const asset = {
            id: release.assets.length + 1,
            name: url.searchParams.get('name')!,
            state: 'uploaded',
            bytes: [...bytes],
          };
          release.assets.push(asset);
          response.writeHead(201).end('{}');
          return;
        }
        const text = bytes.toString();
        const raw = request.headers.accept?.includes('.raw') === true;
        const body = text === '' ? {} : (JSON.parse(text) as Record<string, never>);
        const answer = github.#answer(request.method ?? '', path, url.searchParams, body, raw);
        response.writeHead(answer.status).end(answer.text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    github.#server = server;
    github.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return github;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  history(): unknown {
    return JSON.parse(this.files.get('nightly-history:nights.json') ?? 'null');
  }

  #answer(
    method: string,
    path: string,
    query: URLSearchParams,
    body: Record<string, never>,
    raw: boolean,
  ): { status: number; text: string } {
    const json = (value: unknown, status = 200) => ({ status, text: JSON.stringify(value) });
    const missing = json({ message: 'Not Found' }, 404);
    const issue = this.issues.find(({ number }) => path.startsWith(`issues/${number}`));
    if (method === 'GET' && path === 'issues') {
      const [label, state] = [query.get('labels')!, query.get('state')!];
      return json(this.issues.filter((one) => one.labels.includes(label) && one.state === state).reverse());
    }
    if (method === 'POST' && path === 'issues') {
      const made = {
        number: this.issues.length + 1,
        state: 'open',
        state_reason: null,
        closed_at: null,
        comments: [],
      } as const;
      this.issues.push({
        ...made,
        ...(body as unknown as { title: string; body: string; labels: string[] }),
        comments: [],
      });
      return json(this.issues.at(-1), 201);
    }
    if (path.endsWith('/comments') && issue) {
      issue.comments.push(body.body as unknown as string);
      return json({}, 201);
    }
    if (method === 'PATCH' && issue) {
      Object.assign(issue, body);
      return json(issue);
    }
    if (path.startsWith('contents/')) return this.#contents(method, path.slice(9), query, body, raw);
    if (path.startsWith('git/ref/heads/')) return this.branches.has(path.slice(14)) ? json({}) : missing;
    if (path.startsWith('git/ref/tags/')) return this.tags.has(path.slice(13)) ? json({}) : missing;
    if (method === 'PATCH' && path.startsWith('git/refs/tags/')) {
      this.tags.set(path.slice(14), body.sha as unknown as string);
      return json({});
    }
    if (path.startsWith('releases')) return this.#release(method, path, body, { json, missing });
    if (method === 'POST' && path === 'git/refs' && (body.ref as unknown as string).startsWith('refs/tags/')) {
      this.tags.set((body.ref as unknown as string).slice(10), body.sha as unknown as string);
      return json({}, 201);
    }
    if (method === 'POST' && path === 'git/refs') {
      this.branches.add((body.ref as unknown as string).replace('refs/heads/', ''));
      return json({}, 201);
    }
    if (method === 'POST' && path.startsWith('git/')) return json({ sha: `${path.slice(4)}-sha` }, 201);
    return missing;
  }

  /** Drafts are not found by their tag. */
  #release(
    method: string,
    path: string,
    body: Record<string, never>,
    { json, missing }: { json: (value: unknown, status?: number) => FakeAnswer; missing: FakeAnswer },
  ): FakeAnswer {
    if (method === 'GET' && path === 'releases') return json(this.releases);
    if (method === 'GET') {
      return this.releases.some(({ tag_name, draft }) => !draft && path.endsWith(`/${tag_name}`)) ? json({}) : missing;
    }
    if (method === 'PATCH') {
      const at = this.releases.findIndex(({ id }) => path === `releases/${id}`);
      this.releases[at] = { ...this.releases[at]!, ...(body as Partial<FakeRelease>) };
      return json(this.releases[at]);
    }
    const id = this.releases.length + 1;
    const made = {
      ...(body as unknown as FakeRelease),
      id,
      upload_url: `${this.url}/uploads/${id}/assets{?name,label}`,
      assets: [],
    };
    this.releases.push(made);
    return json(made, 201);
  }

  #contents(
    method: string,
    path: string,
    query: URLSearchParams,
    body: Record<string, never>,
    raw: boolean,
  ): { status: number; text: string } {
    const branch = method === 'GET' ? query.get('ref')! : (body.branch as unknown as string);
    const key = `${branch}:${path}`;
    const before = this.files.get(key);
    const sha = before === undefined ? undefined : `sha-${before.length}`;
    if (method === 'GET') {
      if (before === undefined) return { status: 404, text: '{"message":"Not Found"}' };
      return { status: 200, text: raw ? before : JSON.stringify({ sha, content: '' }) };
    }
    if (!this.branches.has(branch)) return { status: 404, text: '{"message":"Branch not found"}' };
    if ((body.sha as unknown) !== sha) return { status: 409, text: '{"message":"does not match"}' };
    this.files.set(key, Buffer.from(body.content as unknown as string, 'base64').toString());
    return { status: 200, text: '{}' };
  }
}
