/** The few calls of GitHub's REST API that a night makes: an issue, and one file on a branch of its own. */
import type { Clock } from '../time/clock.ts';

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 1_000;
const MOST_PAUSE_MS = 60_000;
/** A file of some megabytes takes so many times as long as another call. */
const UPLOAD_TIMES = 10;
const HEADERS = { 'user-agent': 'cni-rehearsal', 'x-github-api-version': '2022-11-28' };

export class GitHubError extends Error {
  override readonly name = 'GitHubError';
  /** HTTP status; null: no answer came. */
  readonly status: number | null;
  constructor(message: string, status: number | null, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export interface GitHubOptions {
  /** `https://api.github.com`, from GITHUB_API_URL. */
  readonly apiUrl: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly token: string;
  readonly clock: Clock;
  /** First pause before another attempt; doubles. Default 1 s. */
  readonly pauseMs?: number;
  readonly timeoutMs?: number;
}

export interface Issue {
  readonly number: number;
  readonly body: string | null;
  readonly state: 'open' | 'closed';
  readonly state_reason: string | null;
  readonly closed_at: string | null;
  readonly pull_request?: unknown;
}

export interface ReleaseFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface ReleaseDraft {
  readonly id: number;
  readonly tag_name: string;
  readonly draft: boolean;
  /** A URI template: `https://uploads.github.com/…/assets{?name,label}`. */
  readonly upload_url: string;
  readonly assets: readonly { readonly id: number; readonly name: string; readonly state: string }[];
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

export class GitHub {
  readonly #options: GitHubOptions;

  constructor(options: GitHubOptions) {
    this.#options = options;
  }

  /** Issues with a label, the newest first. @throws GitHubError */
  async issues(label: string, state: 'open' | 'closed'): Promise<readonly Issue[]> {
    const { text } = await this.#call(
      'GET',
      `issues?labels=${encodeURIComponent(label)}&state=${state}&sort=created&direction=desc&per_page=50`,
    );
    return (JSON.parse(text) as Issue[]).filter((issue) => issue.pull_request === undefined);
  }

  /** @returns its number; @throws GitHubError */
  async openIssue(title: string, body: string, labels: readonly string[]): Promise<number> {
    // Not tried again: an answer that was lost may have opened one already.
    const { text } = await this.#call('POST', 'issues', { title, body, labels }, { once: true });
    return (JSON.parse(text) as Issue).number;
  }

  /** @throws GitHubError */
  async changeIssue(
    number: number,
    change: { body?: string; state?: 'closed'; state_reason?: 'completed' },
  ): Promise<void> {
    await this.#call('PATCH', `issues/${number}`, change);
  }

  /** @throws GitHubError */
  async comment(number: number, body: string): Promise<void> {
    await this.#call('POST', `issues/${number}/comments`, { body }, { once: true });
  }

  /** The text of a file on a branch and its blob; null: there is none. @throws GitHubError */
  async file(branch: string, path: string): Promise<{ readonly text: string; readonly sha: string } | null> {
    const where = `contents/${path}?ref=${encodeURIComponent(branch)}`;
    const found = await this.#call('GET', where, undefined, { accept: 'object', orMissing: true });
    if (found === null) return null;
    const { sha } = JSON.parse(found.text) as { sha: string };
    // Content above 1 MB comes only as raw (GitHub REST API, repository contents).
    const raw = await this.#call('GET', where, undefined, { accept: 'raw' });
    return { text: raw.text, sha };
  }

  /**
   * Writes a file on a branch, which is made when it is not there.
   * @param sha of the blob that is replaced; null: there was none
   * @throws GitHubError; with status 409 where somebody else has written meanwhile
   */
  async writeFile(branch: string, path: string, text: string, sha: string | null, message: string): Promise<void> {
    await this.#ensureBranch(branch);
    const content = Buffer.from(text).toString('base64');
    await this.#call('PUT', `contents/${path}`, { message, content, branch, ...(sha !== null && { sha }) });
  }

  /** Lets a tag point to a commit, whether it was there or not. @throws GitHubError */
  async moveTag(tag: string, sha: string): Promise<void> {
    const there = await this.#call('GET', `git/ref/tags/${tag}`, undefined, { orMissing: true });
    if (there === null) await this.#call('POST', 'git/refs', { ref: `refs/tags/${tag}`, sha });
    else await this.#call('PATCH', `git/refs/tags/${tag}`, { sha, force: true });
  }

  /**
   * Publishes a release of a tag with its files, or leaves the one that is there. The files come before it is published: one that
   * cannot be changed afterwards (GitHub's immutable releases) is whole too, and what fails on the way leaves a draft that is
   * taken up again.
   * @throws GitHubError
   */
  async release(
    tag: string,
    notes: string,
    { prerelease, latest }: { prerelease: boolean; latest: boolean },
    files: readonly ReleaseFile[] = [],
  ): Promise<void> {
    if ((await this.#call('GET', `releases/tags/${tag}`, undefined, { orMissing: true })) !== null) return;
    // A draft is not found by its tag.
    const { text: all } = await this.#call('GET', 'releases?per_page=100');
    const draft = (JSON.parse(all) as ReleaseDraft[]).find((one) => one.draft && one.tag_name === tag);
    const { id, upload_url, assets } =
      draft ?? (await this.#draft({ tag_name: tag, name: tag, body: notes, prerelease }));
    for (const { name, bytes } of files) {
      const there = assets.find((asset) => asset.name === name);
      if (there?.state === 'uploaded') continue;
      // An upload that broke off keeps its name.
      if (there !== undefined)
        await this.#call('DELETE', `releases/assets/${there.id}`, undefined, { orMissing: true });
      await this.#upload(`${upload_url.replace(/\{.*$/, '')}?name=${encodeURIComponent(name)}`, bytes);
    }
    await this.#call('PATCH', `releases/${id}`, { draft: false, make_latest: latest ? 'true' : 'false' });
  }

  async #draft(release: object): Promise<ReleaseDraft> {
    const { text } = await this.#call('POST', 'releases', { ...release, draft: true }, { once: true });
    return JSON.parse(text) as ReleaseDraft;
  }

  async #upload(url: string, bytes: Uint8Array): Promise<void> {
    const { clock, token, timeoutMs = TIMEOUT_MS } = this.#options;
    using deadline = clock.deadline(timeoutMs * UPLOAD_TIMES);
    const headers = { ...HEADERS, authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
    const body = new Uint8Array(bytes);
    const reply = await clock.track(async () => {
      const response = await fetch(url, { method: 'POST', headers, body, signal: deadline.signal });
      return { status: response.status, text: await response.text() };
    });
    if (reply.status >= 300) {
      throw new GitHubError(`POST ${url}: GitHub answered ${reply.status} ${messageOf(reply.text)}`, reply.status);
    }
  }

  /** An orphan branch: history shares nothing with the sources. */
  async #ensureBranch(branch: string): Promise<void> {
    if ((await this.#call('GET', `git/ref/heads/${branch}`, undefined, { orMissing: true })) !== null) return;
    const sha = async (path: string, body: object): Promise<string> =>
      (JSON.parse((await this.#call('POST', path, body)).text) as { sha: string }).sha;
    const readme = {
      path: 'README.md',
      mode: '100644',
      type: 'blob',
      content: 'Results of the nightly rehearsals, written by a workflow.\n',
    };
    const tree = await sha('git/trees', { tree: [readme] });
    const commit = await sha('git/commits', { message: 'Begin the history of nightly rehearsals', tree, parents: [] });
    await this.#call('POST', 'git/refs', { ref: `refs/heads/${branch}`, sha: commit });
  }

  #call(
    method: string,
    path: string,
    body?: object,
    how?: { once?: boolean; accept?: 'raw' | 'object' },
  ): Promise<Reply>;
  #call(
    method: string,
    path: string,
    body: object | undefined,
    how: { orMissing: true; accept?: 'raw' | 'object' },
  ): Promise<Reply | null>;
  async #call(
    method: string,
    path: string,
    body?: object,
    {
      once = false,
      orMissing = false,
      accept,
    }: { once?: boolean; orMissing?: boolean; accept?: 'raw' | 'object' } = {},
  ): Promise<Reply | null> {
    const { repository, clock, pauseMs = FIRST_PAUSE_MS } = this.#options;
    const what = `${method} ${repository}/${path.split('?')[0]}`;
    for (let attempt = 1; ; attempt++) {
      let trouble: GitHubError;
      try {
        const reply = await this.#send(method, path, body, accept);
        if (reply.status < 300) return reply;
        if (reply.status === 404 && orMissing) return null;
        trouble = new GitHubError(`${what}: GitHub answered ${reply.status} ${messageOf(reply.text)}`, reply.status);
      } catch (error) {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
        trouble = new GitHubError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, null, {
          cause: error,
        });
      }
      if (once || attempt >= ATTEMPTS || !mayPass(trouble.status)) throw trouble;
      await clock.sleep(Math.min(MOST_PAUSE_MS, pauseMs * 2 ** (attempt - 1)));
    }
  }

  async #send(method: string, path: string, body: object | undefined, accept = 'json'): Promise<Reply> {
    const { apiUrl, repository, token, clock, timeoutMs = TIMEOUT_MS } = this.#options;
    using deadline = clock.deadline(timeoutMs);
    return await clock.track(async () => {
      const response = await fetch(`${apiUrl}/repos/${repository}/${path}`, {
        method,
        headers: {
          accept: accept === 'json' ? 'application/vnd.github+json' : `application/vnd.github.${accept}+json`,
          authorization: `Bearer ${token}`,
          ...HEADERS,
        },
        signal: deadline.signal,
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    });
  }
}

/** Overload, outage and rate limits pass; what is wrong in the call does not. */
const mayPass = (status: number | null): boolean => status === null || status === 429 || status >= 500;

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? '';
  } catch {
    return text.slice(0, 100);
  }
}
