/** From which address what is fetched. Pure. */
import type { Platform, Tool } from './catalogue.ts';
import { ToolProblem } from './problem.ts';

/**
 * Where everything is fetched in place of the publishers, below it always `ID/vVERSION/ASSET`, `ID/vVERSION/ASSET.sha256sum` and
 * `ID/latest` (docs/tools.md).
 */
export type BaseUrl = URL;

/** @throws ToolProblem `unusable` when it is no address. */
export function baseUrl(text: string | undefined): BaseUrl | undefined {
  if (text === undefined || text === '') return undefined;
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') return url;
  throw new ToolProblem(
    'unusable',
    'download-base-url: an address that begins with https:// or http:// is wanted, without ? and #',
  );
}

export function assetUrl(tool: Tool, version: string, platform: Platform, base: BaseUrl | undefined): URL {
  const asset = tool.asset(version, platform);
  return base === undefined
    ? new URL(asset, tool.directory(version))
    : new URL(`${tool.id}/v${encodeURIComponent(version)}/${asset}`, base);
}

/** The file with its checksum, beside it. */
export function checksumUrl(asset: URL): URL {
  const url = new URL(asset);
  url.pathname += '.sha256sum';
  return url;
}

export function latestUrl(tool: Tool, base: BaseUrl | undefined): Tool['latest'] & { readonly at: URL } {
  if (base === undefined) return { ...tool.latest, at: new URL(tool.latest.url) };
  const at = new URL(`${tool.id}/latest`, base);
  return { url: at.href, in: 'text', at };
}

/** The SHA-256 (hex, lower case) of an asset in a `.sha256sum` file, of which the asset's own line counts; undefined: none. */
export function checksumIn(text: string, asset: string): string | undefined {
  const lines = text.split('\n').flatMap((line) => {
    const match = /^([0-9a-fA-F]{64})(?:\s+[*]?(\S+))?\s*$/.exec(line);
    return match === null ? [] : [{ sum: match[1]!.toLowerCase(), name: match[2]?.replace(/^.*\//, '') }];
  });
  return lines.find(({ name }) => name === asset)?.sum ?? lines.find(({ name }) => name === undefined)?.sum;
}

/** For messages: without what a password may be in. */
export function shown(url: URL): string {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.search = '';
  return plain.href;
}
