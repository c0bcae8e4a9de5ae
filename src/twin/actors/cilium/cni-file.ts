/**
 * The agent's hold on /etc/cni/net.d (cilium daemon/cmd/cni/config.go): it exists only while `write-cni-conf-when-ready` is
 * set. Nothing here undoes it: when the key goes, the files stay as they are (cilium 1.19 source, observed).
 */
import type { Cancel, ContainerContext, NodeFiles } from '../../world.ts';
import type { AgentConfig } from './config.ts';

/** Content of 05-cilium.conflist; recorded, 191 bytes with the default log file. */
export function cniConfiguration(debug: boolean, logFile: string): string {
  return `
{
  "cniVersion": "0.3.1",
  "name": "cilium",
  "plugins": [
    {
       "type": "cilium-cni",
       "enable-debug": ${debug},
       "log-file": "${logFile}"
    }
  ]
}`;
}

/** Directory and file on the node, or undefined when the path lies inside the container (no `/host` mount there). */
function onNode(path: string): { directory: string; file: string } | undefined {
  const match = /^\/host(\/.+)\/([^/]+)$/.exec(path);
  return match === null ? undefined : { directory: match[1]!, file: match[2]! };
}

function renameOthers(files: NodeFiles, directory: string, own: string): void {
  for (const name of files.list(directory))
    if (name !== own && /\.(conf|conflist|json)$/.test(name))
      files.rename(`${directory}/${name}`, `${directory}/${name}.cilium_bak`);
}

/** The agent writes its file with renameio and tries again after this long (cilium daemon/cmd/cni/config.go). */
const RETRY_MS = 10_000;

/**
 * Writes the configuration and, with `cni-exclusive`, renames every other one now and whenever the directory changes.
 * `report` is told whether the file could be written. Returns what ends the watch.
 */
export function manageCniDirectory(
  context: ContainerContext,
  config: AgentConfig,
  minor: number,
  report: (written: boolean) => void,
): Cancel {
  const place = onNode(config.cni.writeWhenReady);
  if (place === undefined) return () => {};
  const { files } = context.machine;
  const { directory, file } = place;
  const content = cniConfiguration(config.debug, config.cni.logFile);
  const settle = (): void => {
    if (config.cni.exclusive) renameOthers(files, directory, file);
    const written = files.read(`${directory}/${file}`);
    // Mode 0600 since 1.18, 0644 before.
    if (written?.content !== content) files.write(`${directory}/${file}`, content, minor >= 18 ? 0o600 : 0o644);
  };
  const settleOrRetry = (): void => {
    try {
      settle();
      report(true);
    } catch {
      report(false);
      context.after(RETRY_MS, settleOrRetry);
    }
  };
  settleOrRetry();
  // Without cni-exclusive the agent does not watch the directory at all.
  if (!config.cni.exclusive) return () => {};
  let pending: Cancel | undefined;
  const unwatch = files.watch(directory, () => {
    // Observed: another file is renamed too fast for a poll of 0.3 s.
    pending ??= context.after(100, () => {
      pending = undefined;
      settleOrRetry();
    });
  });
  return () => {
    unwatch();
    pending?.();
  };
}

/** preStop `/cni-uninstall.sh`: with `cni-uninstall` Cilium's files go, and the renamed ones stay renamed. */
export function uninstallCni(files: NodeFiles, config: AgentConfig): void {
  if (!config.cni.uninstall) return;
  for (const name of files.list('/etc/cni/net.d'))
    if (/cilium.*\.(conf|conflist)$/.test(name)) files.remove(`/etc/cni/net.d/${name}`);
}
