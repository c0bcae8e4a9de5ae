/** The program of the image `bloomberg/goldpinger` (v3.10.2). */
import type { ContainerContext, HttpAnswer, Process, World } from '../../world.ts';
import { checkText, dateTime, line, metrics } from './answers.ts';
import { runProbes } from './external-probes.ts';
import { checkAll, clusterHealth } from './fan-out.ts';
import { createInstance, LIST_MS } from './instance.ts';
import { createMesh, type GoldpingerOptions, type Member, type Mesh } from './mesh.ts';
import { NotModelled, readSettings, type Settings } from './settings.ts';

export type { GoldpingerOptions } from './mesh.ts';

/** Size of jquery.js 3.1.0 in goldpinger's static files. */
const JQUERY_BYTES = 263_767;
/** The server answers what it has and ends; the twin's pings are shorter than this. */
const SHUTDOWN_MS = 100;
/** SYN retransmissions of the first, blocking list, and the dial time-out after which it fails. */
const FIRST_LIST_MS = [0, 1_000, 3_000, 7_000, 15_000, 30_000];

/** Registers the program under `bloomberg/goldpinger`. */
export function registerGoldpinger(world: World, options: GoldpingerOptions = {}): void {
  const mesh = createMesh(world, options);
  world.programs.register('bloomberg/goldpinger', (context) => {
    try {
      return start(mesh, context, readSettings(context.env, context.args, context.namespace));
    } catch (error) {
      if (!(error instanceof NotModelled)) throw error;
      const { message } = error;
      context.after(0, () => context.exit(1, `not modelled: ${message}`));
      return { ports: [] };
    }
  });
}

const CLOSED: readonly number[] = [];

function start(mesh: Mesh, context: ContainerContext, settings: Settings): Process {
  const { world, podUid } = context;
  const member: Member = {
    podUid,
    node: context.machine.name,
    bootTime: world.time.now(),
    received: { ping: 0, check: 0, checkAll: 0, clusterHealth: 0, healthz: 0 },
    instance: undefined,
  };
  const open = settings.reachable && settings.port > 0 ? [settings.port] : [];
  let listening = false;
  const setListening = (open: boolean): void => {
    if (listening === open) return;
    mesh.advanceAll();
    listening = open;
    mesh.listenersChanged();
  };
  const begin = (): void => {
    const around = mesh.surroundings(member, settings.port, settings.pingTimeoutMs);
    const set = mesh.peerSet(settings.namespace, settings.labelSelector);
    member.instance = createInstance(context.podName, settings, set, around, world.time.now());
    setListening(true);
  };
  // One list comes before the HTTP server: with an API server out of reach the port stays closed for so long.
  const firstList = (attempt: number): void => {
    const elapsed = FIRST_LIST_MS[attempt]!;
    const next = FIRST_LIST_MS[attempt + 1];
    if (mesh.reachApi(member) === 'lost' && next !== undefined) {
      context.after(next - elapsed, () => firstList(attempt + 1));
    } else {
      begin();
    }
  };
  mesh.join(member);
  context.after(LIST_MS, () => firstList(0));

  const end = (): void => {
    setListening(false);
    member.instance = undefined;
    mesh.leave(member);
  };
  return {
    get ports() {
      return listening ? open : CLOSED;
    },
    http: (_port, path) => answer(mesh, member, settings, path),
    probe: () => listening && settings.reachable,
    terminate: () => {
      setListening(false);
      return SHUTDOWN_MS;
    },
    stopped: end,
  };
}

function answer(mesh: Mesh, member: Member, settings: Settings, path: string): HttpAnswer {
  const { world } = mesh;
  const { received, instance } = member;
  const now = world.time.now();
  switch (path.split('?')[0]) {
    case '/ping':
      received.ping += 1;
      return { status: 200, body: line({ boot_time: dateTime(member.bootTime) }) };
    case '/healthz':
      received.healthz += 1;
      return { status: 200, body: line({ OK: true, 'duration-ns': 0, 'generated-at': dateTime(now) }) };
    case '/check': {
      received.check += 1;
      mesh.advance(member);
      const { hostsToResolve, tcpTargets, targetTimeoutMs } = settings;
      const probes = runProbes(world, member.podUid, hostsToResolve, tcpTargets, targetTimeoutMs);
      return { status: 200, body: checkText(instance?.results(now) ?? [], probes) };
    }
    case '/check_all':
      received.checkAll += 1;
      return checkAll(mesh, member, settings);
    case '/cluster_health':
      received.clusterHealth += 1;
      return clusterHealth(mesh, member, settings);
    case '/metrics':
      mesh.advanceAll();
      return { status: 200, body: instance === undefined ? '' : metrics(settings.instance, instance, member) };
    case '/static/jquery/3.1.0/jquery.js':
      return { status: 200, body: '/*! jQuery v3.1.0 */', bytes: JQUERY_BYTES };
    case '/':
      return { status: 200, body: '<!DOCTYPE html><title>goldpinger</title>\n' };
    default:
      return { status: 404, body: line({ code: 404, message: `path ${path} was not found` }) };
  }
}
