/**
 * The index of Cilium's charts as it is published now, or the reason why the bundled table must do. Whatever comes from the
 * network is taken for what it says only when it can be true: an index that lacks what was published before is broken.
 */
import semver from 'semver';
import { parse } from 'yaml';
import { HELM_REPOSITORY } from '../cni/cilium.ts';
import { printable } from '../scenario/printable.ts';
import type { Clock } from '../time/clock.ts';

export const CHART_INDEX = HELM_REPOSITORY;

/** The index has about 2 MB; ten times that is no index. */
const MOST_BYTES = 20 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

export type Published = { readonly versions: readonly string[] } | { readonly problem: string };

export interface PublishedOptions {
  /** Of index.yaml, or of the repository that holds it. */
  readonly url: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** A release that a true index has. */
  readonly mustHave: string;
}

/** @throws the signal's reason, when it aborts; all other trouble is a `problem` in one sentence */
export async function publishedCilium(options: PublishedOptions): Promise<Published> {
  const { clock, signal, mustHave } = options;
  const url = options.url.endsWith('.yaml') ? options.url : `${options.url.replace(/\/+$/, '')}/index.yaml`;
  using deadline = clock.deadline(options.timeoutMs ?? TIMEOUT_MS, signal);
  try {
    const text = await clock.track(() => download(url, deadline.signal));
    const versions = ciliumVersions(text);
    if ('problem' in versions) return { problem: `${url}: ${versions.problem}` };
    if (!versions.versions.includes(mustHave)) {
      return { problem: `${url}: it has ${versions.versions.length} versions of cilium and not ${mustHave}` };
    }
    return versions;
  } catch (error) {
    signal?.throwIfAborted();
    return { problem: `${url}: ${reasonOf(error)}` };
  }
}

async function download(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, redirect: 'follow' });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the server answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest of the download.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) throw new Error(`it has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** The versions of the chart `cilium` in the text of a Helm repository's index (helm.sh/docs/topics/chart_repository). */
export function ciliumVersions(text: string): Published {
  let index: unknown;
  try {
    index = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    return { problem: `it is no YAML (${reasonOf(error)})` };
  }
  const entries = objectAt(objectAt(index, 'entries'), 'cilium');
  if (!Array.isArray(entries)) return { problem: 'it has no list entries.cilium' };
  const versions = entries
    .map((entry) => objectAt(entry, 'version'))
    .filter((version): version is string => typeof version === 'string')
    .map((version) => version.replace(/^v/, ''))
    .filter((version) => semver.valid(version) === version);
  return versions.length === 0
    ? { problem: 'it has no version of cilium' }
    : { versions: semver.rsort([...new Set(versions)]) };
}

function objectAt(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** undici says `fetch failed` and has the reason as cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error), 200);
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return printable((cause || error.message).split('\n')[0]!, 200);
}
