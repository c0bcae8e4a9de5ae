/** Closed networks: helm gets Cilium's chart from below `download-base-url`, where its tools come from as well. */
import { HELM_REPOSITORY } from '../../cni/cilium.ts';
import type { Host } from '../../host/host.ts';
import { type BaseUrl, baseUrl } from '../../host/tools/source.ts';

/** Directory of the Helm repository below the base (docs/tools.md). */
const CHARTS = 'cilium-charts/';

/**
 * The host, with another repository in the place of Cilium's own. Name and password of the base go to helm as such, so that
 * no address with them is in what helm prints.
 * @param base `download-base-url` as the user wrote it; undefined: the publisher's
 * @throws ToolProblem when a command is run and the base is no address
 */
export function withChartsFrom(host: Host, base: string | undefined): Host {
  if (base === undefined || base === '') return host;
  return {
    run: (command, args, options) =>
      host.run(command, command === 'helm' ? chartArguments(args, baseUrl(base)!) : args, options),
  };
}

/** Pure. */
export function chartArguments(args: readonly string[], base: BaseUrl): string[] {
  const at = args.findIndex((word, index) => word === '--repo' && args[index + 1] === HELM_REPOSITORY);
  if (at < 0) return [...args];
  const repository = new URL(CHARTS, base);
  const { username, password } = repository;
  repository.username = '';
  repository.password = '';
  const login =
    username === '' ? [] : ['--username', decodeURIComponent(username), '--password', decodeURIComponent(password)];
  return [...args.slice(0, at), '--repo', repository.href, ...login, ...args.slice(at + 2)];
}
