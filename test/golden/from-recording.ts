/** The recorded cluster at a moment (test/fixtures/recorded-kind). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject, Node, Pod } from '../../src/kube/objects.ts';
import {
  mainRoutes,
  NODES,
  parseAddresses,
  parseIpsets,
  parseLinks,
  RECORDED,
  MOMENTS as RECORDINGS,
  type RecordedNode,
  recordedText,
} from '../twin/network/recorded.ts';
import type { ClusterFacts, CniFile, Moment, NodeFacts } from './state.ts';

export function recordedFacts(moment: Moment): ClusterFacts {
  const list = <T extends KubeObject>(kind: string): T[] =>
    (JSON.parse(recordedText(moment, `${kind}.json`)) as { items: T[] }).items;
  return {
    origin: 'recorded',
    moment,
    nodes: NODES.map((short) => recordedNode(moment, short)),
    apiNodes: list<Node & KubeObject>('nodes'),
    pods: list<Pod & KubeObject>('pods'),
    ciliumNodes: list('ciliumnodes'),
    ciliumEndpoints: list('ciliumendpoints'),
    ciliumConfig: (JSON.parse(recordedText(moment, 'cilium-config.json')) as { data: Record<string, string> }).data,
  };
}

function recordedNode(moment: Moment, short: RecordedNode): NodeFacts {
  const text = (kind: string): string => recordedText(moment, `${short}.${kind}.txt`);
  const hasSets = existsSync(join(RECORDED, RECORDINGS[moment], `${short}.ipset.txt`));
  const sets = hasSets ? parseIpsets(text('ipset')) : new Map<string, string[]>();
  return {
    name: `kind-${short}`,
    cniFiles: parseCniDirectory(text('cni-dir')),
    links: parseLinks(text('ip-d-link')).sort((a, b) => a.index - b.index),
    addresses: parseAddresses(text('ip-br-addr')),
    routes: mainRoutes(text('ip-route')),
    natRules: natTable(text('iptables-save')),
    ipset: (name) => sets.get(name),
  };
}

/** `ls -la` of the directory, then every conflist below a line `--- path`. */
function parseCniDirectory(text: string): CniFile[] {
  const [listing, ...files] = text.split(/^(?=--- )|(?<=\})(?=--- \/)/m);
  const contents = new Map(
    files.map((file) => {
      const end = file.indexOf('\n');
      return [file.slice('--- /etc/cni/net.d/'.length, end), file.slice(end + 1)] as const;
    }),
  );
  return listing!.split('\n').flatMap((line) => {
    const [, mode, bytes, name] = /^(-\S+) +\d+ +\S+ +\S+ +(\d+) .* (\S+)$/.exec(line) ?? [];
    if (mode === undefined) return [];
    const content = contents.get(name!);
    return [{ mode, name: name!, bytes: Number(bytes), ...(content !== undefined && { content }) }];
  });
}

function natTable(text: string): string[] {
  const table = text.slice(text.indexOf('\n*nat\n'));
  return table
    .slice(0, table.indexOf('\nCOMMIT'))
    .split('\n')
    .filter((line) => line.startsWith('-A '));
}
