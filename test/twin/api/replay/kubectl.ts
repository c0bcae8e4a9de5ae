/**
 * Replays the requests that a recorded kubectl sent, command by command, at their times. Of the answers the recording has
 * the status only. Versions and uids in requests came from those answers, so they are taken from the object asked for.
 */
import { RecordedCluster, requestOf } from './cluster.ts';
import { Correspondence } from './compare.ts';
import { entriesOf, type KubectlRequest, type KubectlSession } from './recording.ts';
import { meetNames, type Replay, type Result } from './replay.ts';

export interface KubectlScript {
  readonly prepare: (cluster: RecordedCluster) => void;
  /** Before a command, by the name of its entry. */
  readonly before?: Readonly<Record<string, (cluster: RecordedCluster) => void>>;
}

/** Between two commands a person or a script takes a while. */
const PAUSE_MS = 500;

export function replaySessions(file: string, script: KubectlScript): Result[] {
  const cluster = new RecordedCluster();
  const known = new Correspondence();
  script.prepare(cluster);
  return entriesOf(file)
    .filter((entry): entry is KubectlSession => entry.kind === 'kubectl')
    .map((session) => {
      script.before?.[session.name]?.(cluster);
      const begun = cluster.world.time.now();
      const differences = session.requests.flatMap((request, index) => {
        const wait = begun + request.t * 1_000 - cluster.world.time.now();
        if (wait > 0) cluster.run(wait);
        const own = send(cluster, known, request);
        // Whether kubectl had a fresh copy of a document depends on its cache, which is not part of the recording.
        const same = own === request.status || (request.status === 304 && own === 200);
        if (same) return [];
        const path = `requests[${index}] ${request.method} ${request.path.split('?')[0]}`;
        return [{ path, recorded: request.status, own }];
      });
      cluster.run(PAUSE_MS);
      return { name: session.name, differences };
    });
}

function send(cluster: RecordedCluster, known: Replay['known'], request: KubectlRequest): number {
  meetNames(cluster, known, request.path);
  const version = String(cluster.world.store.resourceVersion());
  const path = known.translate(request.path).replace(/([?&]resourceVersion=)[1-9]\d*/, `$1${version}`);
  const headers = { ...request.headers };
  if (cluster.server.isWatch(requestOf(request.method, path, undefined, headers))) {
    const stream = cluster.watch(path, headers);
    stream.cancel();
    return stream.refused?.status ?? 200;
  }
  const { body } = request;
  const text = body === undefined || body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return cluster.call(request.method, path, text && inOwnWords(cluster, known, path, text), headers).status;
}

/** A body with the identity that the object of the path has here. */
function inOwnWords(cluster: RecordedCluster, known: Replay['known'], path: string, text: string): string {
  const { body } = cluster.call('GET', path.split('?')[0]!);
  const { uid, resourceVersion } = (body as { metadata?: { uid?: string; resourceVersion?: string } }).metadata ?? {};
  let own = known.translate(text);
  if (resourceVersion !== undefined) {
    own = own
      .replace(/("resourceVersion":\s*)"\d+"/g, `$1"${resourceVersion}"`)
      .replace(/("path":\s*"\/metadata\/resourceVersion",\s*"value":\s*)"\d+"/g, `$1"${resourceVersion}"`);
  }
  if (uid !== undefined) own = own.replace(/("uid":\s*)"[0-9a-f-]{36}"/g, `$1"${uid}"`);
  return own;
}
