/**
 * Evidence before clean-up. Whatever is broken, this ends: every piece has a limit, and so has the whole. What could not
 * be had is noted and hides nothing. Used at the end of a run and by whoever cleans up after a run that was killed.
 */
import { maskLog } from '../events/mask-text.ts';
import type { Host } from '../host/host.ts';
import type { KubeApi } from '../kube/api.ts';
import type { Pod } from '../kube/objects.ts';
import { pods } from '../kube/resources.ts';
import type { Clock } from '../time/clock.ts';
import { Bundle, type BundleLimits, type EvidenceDirectory } from './bundle.ts';
import { type Candidate, chooseTail, type Tail, warningsAbout } from './cause.ts';
import { type Contents, indexJson, readmeText } from './contents.ts';
import { inTime } from './in-time.ts';
import { Door, type Item, reasonOf } from './items.ts';
import { EXPORT_MS, exportKindLogs } from './kind-logs.ts';
import { chooseLogs, type LogText, logItems } from './logs.ts';
import { balancerItems, inspectItem, machineItems, nodeItems } from './node.ts';
import { eventsItem, objectItems, podsText } from './objects.ts';
import { readingItems } from './readings.ts';

/** Milliseconds for everything; a run that is cancelled has only seconds before it is killed. */
export const FULL_MS = 90_000;
export const QUICK_MS = 3_000;
/** At work at the same time: as many as leave a small machine some room. */
const LANES = 4;
/** An event that is older has nothing to do with the end of the run. */
const LATE_MS = 600_000;
/** Nodes that are looked at from inside, blamed ones first. */
export const MOST_NODES = 12;

export interface GatherOptions {
  readonly host: Host;
  /** null: there is none, or it was never reached. */
  readonly api: KubeApi | null;
  readonly clock: Clock;
  readonly cluster: string;
  readonly controlPlanes: readonly string[];
  readonly workers: readonly string[];
  readonly blamed: Blamed;
  readonly directory: EvidenceDirectory;
  /** Ends gathering at once, with what there is by then. */
  readonly signal?: AbortSignal;
  /** `quick`: what is had in seconds. `no-cluster`: the cluster was not made as it should be. */
  readonly extent: 'full' | 'quick' | 'no-cluster';
  /** How the run ended, in one sentence. */
  readonly headline: string;
  /** What the failure brought along that shows its cause. */
  readonly log?: { readonly of: string; readonly text: string } | null;
  /** For tests. */
  readonly limits?: BundleLimits;
}

/** What the failure speaks of. */
export interface Blamed {
  readonly nodes: readonly string[];
  /** Texts in which pods are named. */
  readonly text: string;
  /** A node itself did not come back. */
  readonly nodeFailed: boolean;
}

export interface Gathered extends Contents {
  /** As it stands in README.md. */
  readonly readme: string;
  /** The last lines of the log that shows the cause; null: none does. */
  readonly tail: Tail | null;
}

/** Never throws. */
export async function gatherEvidence(options: GatherOptions): Promise<Gathered> {
  const gathering = new Gathering(options);
  const ms = options.extent === 'quick' ? QUICK_MS : options.extent === 'full' ? FULL_MS : FULL_MS + EXPORT_MS;
  try {
    await inTime(options.clock, ms, options.signal ?? new AbortController().signal, (signal) => gathering.run(signal));
  } catch {
    gathering.outOfTime();
  }
  return gathering.end();
}

class Gathering {
  readonly #options: GatherOptions;
  readonly #bundle: Bundle;
  readonly #candidates: Candidate[] = [];
  readonly #docker = new Door('docker');
  readonly #apiDoor = new Door("the cluster's API");
  /** Pieces that are not done yet, in the order in which they are wanted. */
  #waiting: Item[] = [];
  readonly #underWay = new Set<Item>();
  #over = false;

  constructor(options: GatherOptions) {
    this.#options = options;
    this.#bundle = new Bundle(options.directory, options.limits);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { api, extent } = this.#options;
    const list = api ? await this.#pods(api, signal) : null;
    if (extent === 'no-cluster') await this.#kindLogs(signal);
    this.#waiting = this.#items(list);
    await Promise.all(Array.from({ length: LANES }, () => this.#lane(signal)));
  }

  outOfTime(): void {
    for (const { what } of [...this.#underWay, ...this.#waiting]) this.#bundle.lacks(what, 'there was no time left');
    this.#over = true;
  }

  end(): Gathered {
    this.#over = true;
    const { headline, blamed, log = null, directory } = this.#options;
    const { entries, missing } = this.#bundle;
    const contents = { headline, blamed: blamed.nodes, entries: [...entries], missing: [...missing] };
    const readme = maskLog(readmeText(contents));
    for (const [name, text] of [
      ['README.md', readme],
      ['index.json', maskLog(indexJson(contents))],
    ] as const) {
      try {
        directory.write(name, text);
      } catch {
        // A disk that takes nothing: what there is stands in the events.
      }
    }
    return { ...contents, readme, tail: chooseTail(log, this.#candidates, blamed.nodeFailed) };
  }

  /** Which pods there are decides what else is asked for. */
  async #pods(api: KubeApi, signal: AbortSignal): Promise<readonly Pod[] | null> {
    const limitMs = this.#options.extent === 'quick' ? QUICK_MS / 2 : 10_000;
    try {
      const { items } = await inTime(this.#options.clock, limitMs, signal, (until) =>
        api.list(pods, { signal: until, timeoutMs: limitMs }),
      );
      if (!this.#over) this.#bundle.add('pods.txt', 'pods, where they are and how they do', podsText(items));
      return items;
    } catch (error) {
      signal.throwIfAborted();
      this.#bundle.lacks('pods', reasonOf(error, this.#apiDoor));
      this.#apiDoor.shutFor('it did not answer when it was asked for its pods');
      return null;
    }
  }

  async #kindLogs(signal: AbortSignal): Promise<void> {
    const { host, clock, cluster, directory } = this.#options;
    const scratch = directory.scratch?.bind(directory);
    if (scratch === undefined) {
      this.#bundle.lacks('kind export logs', 'this world has no disk of its own');
      return;
    }
    await exportKindLogs({ host, clock, cluster, scratch }, this.#bundle, signal, (file, text) => {
      if (file.endsWith('/kubelet.log')) this.#candidates.push({ kind: 'journal', of: file, text, blamed: true });
    });
  }

  /** What is wanted, the most telling first. */
  #items(list: readonly Pod[] | null): Item[] {
    const { host, api, clock, cluster, extent, blamed } = this.#options;
    const onEvents = (all: string): void => {
      const named = (list ?? []).filter((pod) => this.#speaksOf(pod)).map(({ metadata }) => metadata.name);
      const since = new Date(clock.now() - LATE_MS).toISOString();
      const about = (line: string): boolean => [...named, ...blamed.nodes].some((name) => line.includes(name));
      const text = warningsAbout(all, about, since);
      if (text !== '') this.#candidates.push({ kind: 'events', of: 'events (warnings)', text, blamed: true });
    };
    const objects = api ? objectItems(api, this.#apiDoor, extent === 'quick') : [];
    const events = api ? [eventsItem(api, this.#apiDoor, onEvents)] : [];
    if (extent === 'quick') return [...events, ...objects];
    const nodes = this.#nodes();
    const isBlamed = (node: string): boolean => blamed.nodes.includes(node);
    const inside = nodes.map((node) => this.#nodeItems(node, list));
    const first = inside.filter((_, at) => isBlamed(nodes[at]!)).flat();
    const rest = inside.filter((_, at) => !isBlamed(nodes[at]!)).flat();
    const { controlPlanes } = this.#options;
    const balancer = `${cluster}-external-load-balancer`;
    const logs = api && list ? this.#logItems(api, list, nodes) : [];
    const doors = { apiDoor: this.#apiDoor, dockerDoor: this.#docker };
    const onBlamed = (pod: Pod): boolean => isBlamed(pod.spec?.nodeName ?? '') || this.#speaksOf(pod);
    const readings = api && list ? readingItems({ api, host, ...doors }, list, onBlamed) : [];
    return [
      ...events,
      ...logs.filter(({ blamed: one }) => one).map(({ item }) => item),
      ...first,
      ...objects,
      ...readings,
      ...logs.filter(({ blamed: one }) => !one).map(({ item }) => item),
      ...(controlPlanes.length > 1 ? balancerItems(host, balancer, new Door(balancer, this.#docker)) : []),
      ...machineItems(host, cluster, this.#docker),
      ...rest,
      ...this.#otherNodes(nodes),
    ];
  }

  /** Blamed nodes, then control planes, then workers; as many as a bundle has room for. */
  #nodes(): string[] {
    const { blamed, controlPlanes, workers } = this.#options;
    const all = new Set([...controlPlanes, ...workers]);
    return [...new Set([...blamed.nodes.filter((node) => all.has(node)), ...all])].slice(0, MOST_NODES);
  }

  #otherNodes(chosen: readonly string[]): Item[] {
    const { controlPlanes, workers, host } = this.#options;
    const others = [...controlPlanes, ...workers].filter((node) => !chosen.includes(node));
    if (others.length > 0) {
      const why = `a bundle looks into ${MOST_NODES} nodes, those that the failure speaks of first`;
      this.#bundle.lacks(`the inside of ${others.length} more nodes`, why);
    }
    return others.slice(0, MOST_NODES).map((node) => inspectItem(host, node, new Door(node, this.#docker)));
  }

  #nodeItems(node: string, list: readonly Pod[] | null): Item[] {
    const agentOn = (pod: Pod): boolean => pod.spec?.nodeName === node && pod.metadata.labels?.['k8s-app'] === 'cilium';
    const blamed = this.#options.blamed.nodes.includes(node);
    return nodeItems({
      ...{ host: this.#options.host, node, door: new Door(node, this.#docker) },
      agent: list === null || list.some(agentOn),
      runtimeLogs: list === null,
      onJournal: (file, text) => this.#candidates.push({ kind: 'journal', of: file, text, blamed }),
    });
  }

  #logItems(api: KubeApi, list: readonly Pod[], nodes: readonly string[]): { item: Item; blamed: boolean }[] {
    const blamedNodes = new Set(this.#options.blamed.nodes);
    const choices = chooseLogs(list, (pod) => this.#speaksOf(pod), nodes, blamedNodes);
    const kubelets = new Map<string, Door>();
    const logs = new Door("the API's logs", this.#apiDoor);
    const doorOf = ({ spec }: Pod): Door => {
      const node = spec?.nodeName ?? '';
      const door = kubelets.get(node) ?? new Door(`the kubelet of ${node}`, logs);
      kubelets.set(node, door);
      return door;
    };
    const onText = ({ choice, file, text }: LogText): void => {
      const agent = choice.pod.metadata.labels?.['k8s-app'] === 'cilium' && choice.container === 'cilium-agent';
      const blamed = choice.blamed || (agent && blamedNodes.has(choice.pod.spec?.nodeName ?? ''));
      const kind = choice.blamed ? 'pod-log' : 'agent-log';
      this.#candidates.push({ kind, of: file, text, blamed, previous: choice.previous });
    };
    return logItems(api, { all: logs, of: doorOf }, choices, onText).map((item, at) => ({
      item,
      blamed: choices[at]!.blamed,
    }));
  }

  #speaksOf({ metadata }: Pod): boolean {
    return this.#options.blamed.text.includes(metadata.name);
  }

  async #lane(signal: AbortSignal): Promise<void> {
    for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) {
      this.#underWay.add(item);
      await this.#take(item, signal);
      // What was under way when the time was over is told as missing.
      if (signal.aborted || this.#over) return;
      this.#underWay.delete(item);
    }
  }

  async #take(item: Item, signal: AbortSignal): Promise<void> {
    const { what, file, door, limitMs, keep = 'tail', masked = false } = item;
    if (door.shut !== null) return this.#bundle.lacks(what, door.shut);
    try {
      const content = await inTime(this.#options.clock, limitMs, signal, item.gather);
      if (this.#over) return;
      const text = content === '' ? null : this.#bundle.add(file, what, content, { keep, masked });
      if (content === '') this.#bundle.lacks(what, 'it is empty');
      if (text !== null) item.onText?.(text);
    } catch (error) {
      if (signal.aborted || this.#over) return;
      this.#bundle.lacks(what, reasonOf(error, door));
    }
  }
}
