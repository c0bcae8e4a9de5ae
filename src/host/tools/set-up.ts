/**
 * The tools of a rehearsal: taken from the PATH when their version fits, else from the tool cache, else fetched, verified and put
 * there (docs/tools.md). What is not asked for is not set up.
 */
import { chmod, rename } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, DeadlineExceeded } from '../../time/clock.ts';
import { formatDuration } from '../../time/duration.ts';
import { findProgram } from '../find-program.ts';
import { realHost } from '../real-host.ts';
import { cacheRoot, ToolCache } from './cache.ts';
import { type Platform, TOOLS, type Tool, type ToolName } from './catalogue.ts';
import { Downloads } from './download.ts';
import { thisPlatform } from './platform.ts';
import { diskProblem, ToolProblem } from './problem.ts';
import { assetUrl, type BaseUrl, baseUrl, checksumIn, checksumUrl, latestUrl, shown } from './source.ts';
import { unpack } from './unpack.ts';
import { choose, latestIn, satisfies, versionIn, type Wanted } from './version.ts';

/** What is needed; a tool that is not named is not set up. */
export type ToolNeeds = Partial<Readonly<Record<ToolName, Wanted>>>;

export interface ToolOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with a line for people: what is fetched, what is tried again. */
  readonly log: (line: string) => void;
  /** PATH, proxies, RUNNER_TOOL_CACHE, XDG_CACHE_HOME and HOME are read from it. Default: that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The action's input `download-base-url`. */
  readonly downloadBaseUrl?: string;
  /** Milliseconds for all of it. Default: 15 minutes. */
  readonly timeoutMs?: number;
}

export interface ReadyTools {
  /** Absolute paths by command name, as the real Host takes them. */
  readonly paths: ReadonlyMap<ToolName, string>;
  /** Without a leading `v`. */
  readonly versions: ReadonlyMap<ToolName, string>;
  /** One sentence each: which version from where, and why not what is on the PATH. */
  readonly notes: readonly string[];
}

interface Ready {
  readonly path: string;
  readonly version: string;
  readonly notes: readonly string[];
}

/** What asking a tool for its version may take. */
const ASK_MS = 20_000;

/**
 * Finds or sets up each needed tool.
 * @throws ToolProblem by cause; the signal's reason
 */
export async function setUpTools(needs: ToolNeeds, options: ToolOptions): Promise<ReadyTools> {
  const environment = options.environment ?? process.env;
  const base = baseUrl(options.downloadBaseUrl);
  const wanted = Object.entries(needs) as [ToolName, Wanted][];
  // Before anything is asked or fetched: a version that is none.
  for (const [name, want] of wanted) choose(TOOLS[name], want);

  using limit = options.clock.deadline(options.timeoutMs ?? 900_000, options.signal);
  const failed = new AbortController();
  const signal = AbortSignal.any([limit.signal, failed.signal]);
  const shared = { clock: options.clock, log: options.log, signal, environment };
  await using downloads = new Downloads(shared);
  const cache = new ToolCache(cacheRoot(environment));
  const settings: Settings = { ...shared, downloads, cache, base, platform: thisPlatform() };
  const each = wanted.map(async ([name, want]) => {
    try {
      return [name, await setUp(TOOLS[name], want, settings)] as const;
    } catch (error) {
      // The others have no use any more; what they say then is not the cause.
      failed.abort(error);
      throw error;
    }
  });
  const settled = await Promise.allSettled(each);
  options.signal.throwIfAborted();
  if (failed.signal.aborted) throw cause(failed.signal.reason);
  const ready = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return {
    paths: new Map(ready.map(([name, { path: program }]) => [name, program])),
    versions: new Map(ready.map(([name, { version }]) => [name, version])),
    notes: ready.flatMap(([, { notes }]) => notes),
  };
}

function cause(error: unknown): unknown {
  if (!(error instanceof DeadlineExceeded)) return error;
  const text = `the tools could not be fetched within ${formatDuration(error.limitMs)}; set download-base-url to a mirror`;
  return new ToolProblem('network', text, error);
}

interface Settings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly downloads: Downloads;
  readonly cache: ToolCache;
  readonly base: BaseUrl | undefined;
  readonly platform: Platform | undefined;
}

async function setUp(tool: Tool, wanted: Wanted, settings: Settings): Promise<Ready> {
  const choice = choose(tool, wanted);
  const newest = choice.kind === 'latest' ? await latest(tool, settings) : undefined;
  const accepts = choice.kind === 'latest' ? newest! : choice.accepts;
  const download = choice.kind === 'latest' ? newest : choice.download;

  const notes: string[] = [];
  const found = findProgram(tool.name, settings.environment.PATH);
  if (found !== undefined) {
    const version = await versionOf(tool, found, settings);
    if (version.kind === 'version' && satisfies(version.version, accepts)) {
      return {
        path: found,
        version: version.version,
        notes: [`${tool.id} ${version.version} from the PATH (${found})`],
      };
    }
    const is = version.kind === 'version' ? `is version ${version.version}` : version.why;
    notes.push(`${found} is not taken: it ${is}, and ${wantedText(accepts)} is needed`);
  }
  if (download === undefined) {
    throw new ToolProblem(
      'not-found',
      `${tool.id}-version: ${wanted.version} is the beginning of a version that is not on the PATH; write the whole version`,
    );
  }
  const cached = await fromCache(tool, download, settings);
  const program = cached ?? (await orTold(notes, fetched(tool, download, settings)));
  const from = cached === undefined ? 'downloaded' : 'from the tool cache';
  return { path: program, version: download, notes: [...notes, `${tool.id} ${download} ${from} (${program})`] };
}

/** Whoever has one on the PATH wants to know why that one would not do. */
async function orTold<T>(notes: readonly string[], work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ToolProblem) || notes.length === 0) throw error;
    throw new ToolProblem(error.cause, [error.message, ...notes].join('; '), error.behind);
  }
}

const wantedText = (range: string): string => (/^\d/.test(range) ? `version ${range}` : `a version ${range}`);

async function latest(tool: Tool, { downloads, base }: Settings): Promise<string> {
  const pointer = latestUrl(tool, base);
  const said = await (pointer.in === 'text' ? downloads.text(pointer.at) : downloads.redirect(pointer.at));
  const version = latestIn(said);
  if (version !== undefined) return version;
  throw new ToolProblem(
    'network',
    `${shown(pointer.at)} names no version of ${tool.id}; write an exact ${tool.id}-version`,
  );
}

async function fromCache(tool: Tool, version: string, settings: Settings): Promise<string | undefined> {
  const { cache, clock, log } = settings;
  const program = cache.find(tool.id, version, tool.name);
  if (program === undefined) return undefined;
  const said = await versionOf(tool, program, settings);
  if (said.kind === 'version' && said.version === version) return program;
  log(
    `${program} is damaged (it ${said.kind === 'version' ? `is version ${said.version}` : said.why}) and is fetched again`,
  );
  return onDisk(program, async () => {
    await using staging = await cache.staging(clock);
    await cache.remove(tool.id, version, staging.directory);
    return undefined;
  });
}

async function fetched(tool: Tool, version: string, settings: Settings): Promise<string> {
  const { platform, base, cache, clock, log, downloads, signal } = settings;
  if (platform === undefined) {
    throw new ToolProblem(
      'unusable',
      `${tool.id} is not published for this machine (${process.platform} ${process.arch}); put one on the PATH`,
    );
  }
  const url = assetUrl(tool, version, platform, base);
  const sum = await publishedChecksum(tool, version, platform, url, settings);
  log(`${tool.id} ${version} is fetched from ${shown(url)}`);
  return onDisk(`the tool cache (${cacheRoot(settings.environment)})`, async () => {
    await using staging = await cache.staging(clock);
    const asset = path.join(staging.directory, tool.asset(version, platform));
    const received = await missing(tool, version, url, downloads.file(url, asset));
    if (received !== sum) {
      throw new ToolProblem(
        'checksum',
        `${shown(url)} is not what was published: its SHA-256 is ${received} and not ${sum}; nothing of it was kept`,
      );
    }
    const member = tool.member(platform);
    const unpacked = member === undefined ? asset : await unpack(asset, member, signal);
    const program = path.join(path.dirname(unpacked), tool.name);
    if (program !== unpacked) await rename(unpacked, program);
    await chmod(program, 0o755);
    const said = await versionOf(tool, program, settings);
    if (said.kind !== 'version' || said.version !== version) {
      const is = said.kind === 'version' ? `is version ${said.version}` : said.why;
      throw new ToolProblem(
        'unusable',
        `${shown(url)} has the published checksum, but it ${is}; put a ${tool.id} on the PATH`,
      );
    }
    // Awaited here: the staging directory goes with this block.
    return await cache.add(tool.id, version, program);
  });
}

/** The checksum that we know, else the one that is published beside the asset. */
async function publishedChecksum(
  tool: Tool,
  version: string,
  platform: Platform,
  url: URL,
  { downloads }: Settings,
): Promise<string> {
  const known = tool.pinned.find((each) => each.version === version)?.sha256[`${platform.os}-${platform.arch}`];
  if (known !== undefined) return known;
  const beside = checksumUrl(url);
  let text: string;
  try {
    text = await downloads.text(beside);
  } catch (error) {
    if (!(error instanceof ToolProblem) || error.cause !== 'not-found') throw error;
    if (!(await downloads.exists(url))) throw noSuchVersion(tool, version, url, error);
    throw new ToolProblem(
      'checksum',
      `${shown(beside)} is not there, so ${tool.id} ${version} cannot be verified; publish it there`,
    );
  }
  const sum = checksumIn(text, tool.asset(version, platform));
  if (sum !== undefined) return sum;
  throw new ToolProblem('checksum', `${shown(beside)} has no SHA-256 of ${tool.asset(version, platform)}`);
}

async function missing<T>(tool: Tool, version: string, url: URL, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof ToolProblem && error.cause === 'not-found') throw noSuchVersion(tool, version, url, error);
    throw error;
  }
}

const noSuchVersion = (tool: Tool, version: string, url: URL, error: unknown): ToolProblem =>
  new ToolProblem('not-found', `there is no ${tool.id} ${version} at ${shown(url)}; correct ${tool.id}-version`, error);

/** What a file system says becomes a problem of the tool. */
async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskProblem(error, what) ?? error;
  }
}

type Said = { readonly kind: 'version'; readonly version: string } | { readonly kind: 'none'; readonly why: string };

/** Asks a program for its version; one that does not tell it is none of ours, whatever its name. */
async function versionOf(tool: Tool, program: string, { clock, environment, signal }: Settings): Promise<Said> {
  const host = realHost({
    clock,
    environment: { ...environment, ...tool.versionEnvironment },
    mostStdout: 64 * 1024,
    graceMs: 1_000,
  });
  try {
    const { exitCode, stdout } = await host.run(program, tool.versionArgs, { timeoutMs: ASK_MS, signal });
    const version = exitCode === 0 ? versionIn(tool, stdout) : undefined;
    if (version !== undefined) return { kind: 'version', version };
    const asked = `${tool.name} ${tool.versionArgs.join(' ')}`;
    return { kind: 'none', why: `does not tell its version (${asked}, exit code ${exitCode})` };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'none', why: `cannot be run (${error instanceof Error ? error.message : String(error)})` };
  }
}
