/** The twin's cluster when the checkpoints of a rehearsal pass that stand for the recorded moments. */
import { join } from 'node:path';
import type { KubeObject, Node, Pod } from '../../src/kube/objects.ts';
import { createTwinProvider } from '../../src/provider/twin.ts';
import { runRehearsal } from '../../src/rehearsal/run.ts';
import { readScenario } from '../../src/scenario/read.ts';
import type { Twin } from '../../src/twin/twin.ts';
import type { ClusterFacts, CniFile, Moment, NodeFacts } from './state.ts';

/** Checkpoint → moment. The recording of moment 2 was made when the first worker served again and the probes had moved. */
const CHECKPOINTS: Readonly<Record<string, Moment>> = {
  'secondary-installed': 1,
  'migrated/kind-worker': 2,
  finalized: 3,
  'legacy-removed': 4,
};

/** Runs the rehearsal of `scenario.yaml` up to moment 4. @throws Error when it does not pass every checkpoint. */
export async function rehearse(seed: number): Promise<Map<Moment, ClusterFacts>> {
  const scenario = readScenario(join(import.meta.dirname, 'scenario.yaml'), 'scenario.yaml');
  const provider = createTwinProvider({ scenario, seed });
  const captured = new Map<Moment, ClusterFacts>();
  const verdict = await provider.run(() =>
    runRehearsal({
      scenario,
      seed,
      provider,
      keep: 'never',
      tool: { name: 'golden', version: '0' },
      signal: new AbortController().signal,
      until: 'legacy-removed',
      emit: (event) => {
        if (event.type !== 'checkpoint' || event.outcome !== 'passed') return;
        const moment = CHECKPOINTS[event.id];
        if (moment !== undefined) captured.set(moment, twinFacts(provider.twin, moment));
      },
    }),
  );
  await provider.close();
  if (verdict.verdict !== 'passed') throw new Error(`the rehearsal ended ${verdict.verdict}: ${verdict.message}`);
  return captured;
}

function twinFacts({ store, world }: Twin, moment: Moment): ClusterFacts {
  const config = store.get<KubeObject & { data: Record<string, string> }>(
    'configmaps',
    'cilium-config',
    'kube-system',
  )!;
  return {
    origin: 'twin',
    moment,
    nodes: [...world.machines.keys()].sort().map((name) => twinNode(world, name)),
    apiNodes: store.list<Node & KubeObject>('nodes'),
    pods: store.list<Pod & KubeObject>('pods'),
    ciliumNodes: store.list('ciliumnodes.cilium.io'),
    ciliumEndpoints: store.list('ciliumendpoints.cilium.io'),
    ciliumConfig: { ...config.data },
  };
}

/** A copy: the world goes on. */
function twinNode(world: Twin['world'], name: string): NodeFacts {
  const { files } = world.machines.get(name)!;
  const network = world.network.node(name)!;
  const natRules = [...network.rules('nat')];
  const asked = natRules.flatMap((rule) => [...rule.matchAll(/--match-set (\S+)/g)].map(([, set]) => set!));
  const sets = new Map(asked.map((set) => [set, network.ipset(set)] as const));
  return {
    name,
    cniFiles: files.list('/etc/cni/net.d').map((file): CniFile => {
      const { mode, content } = files.read(`/etc/cni/net.d/${file}`)!;
      const recorded = file.includes('conflist');
      return { name: file, mode: modeText(mode), bytes: Buffer.byteLength(content), ...(recorded && { content }) };
    }),
    links: network.links().map((link) => ({ ...link })),
    addresses: [...network.addresses()],
    routes: [...network.routes()],
    natRules,
    ipset: (set) => sets.get(set),
  };
}

function modeText(mode: number): string {
  return `-${[...'rwxrwxrwx'].map((letter, bit) => ((mode >> (8 - bit)) & 1 ? letter : '-')).join('')}`;
}
