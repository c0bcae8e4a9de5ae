/**
 * Replays a recorded sequence: its steps at their times, with its watches open. Compared per object, as the recording's
 * rule 9 has it: the order of what happens to it and its last state, not how many status updates controllers made of it.
 */
import type { Stream } from './cluster.ts';
import { baseOf, type Correspondence, compare, type Difference } from './compare.ts';
import type { RecordedObject, Sequence } from './recording.ts';
import { compareAnswer, type Replay } from './replay.ts';

interface WatchEvent {
  readonly type: string;
  readonly object: RecordedObject;
}

/** Virtual milliseconds that controllers get after the last recorded event. */
const REST_MS = 1_500;

export function runSequence(replay: Replay, sequence: Sequence, inside?: (replay: Replay) => void): Difference[] {
  const { cluster, known } = replay;
  const begun = cluster.world.time.now();
  const streams = new Map<string, Stream>();
  for (const [name, path] of Object.entries(sequence.watches)) {
    const version = cluster.world.store.resourceVersion();
    streams.set(
      name,
      cluster.watch(`${known.translate(path)}${path.includes('?') ? '&' : '?'}watch=1&resourceVersion=${version}`),
    );
  }
  inside?.(replay);
  const differences: Difference[] = [];
  const until = (seconds: number): void => {
    const left = begun + seconds * 1_000 - cluster.world.time.now();
    if (left > 0) cluster.run(left);
  };
  for (const [index, { t, request, response }] of sequence.steps.entries()) {
    until(t);
    if (request === undefined || response === undefined) continue;
    const own = replay.send(request);
    for (const difference of compareAnswer(response, own, known)) {
      if (difference.path.startsWith('headers')) continue;
      differences.push({ ...difference, path: `steps[${index}].${difference.path}` });
    }
  }
  until((sequence.events.at(-1)?.t ?? 0) + REST_MS / 1_000);
  for (const [name, stream] of streams) {
    stream.cancel();
    const recorded = sequence.events.filter((event) => event.watch === name);
    const own = (stream.lines as WatchEvent[]).filter((event) => event.type !== 'BOOKMARK');
    differences.push(...compareObjects(name, recorded, own, known));
  }
  return differences;
}

const groups = (events: readonly WatchEvent[]): Map<string, WatchEvent[]> => {
  const found = new Map<string, WatchEvent[]>();
  for (const event of events) {
    const { uid } = event.object.metadata;
    found.set(uid, [...(found.get(uid) ?? []), event]);
  }
  return found;
};

function compareObjects(
  watch: string,
  recorded: readonly WatchEvent[],
  own: readonly WatchEvent[],
  known: Correspondence,
): Difference[] {
  const left = [...groups(own).values()];
  const differences: Difference[] = [];
  for (const events of groups(recorded).values()) {
    const { name, uid } = events[0]!.object.metadata;
    const wanted = known.get('name', name) ?? name;
    let at = left.findIndex((one) => one[0]!.object.metadata.uid === known.get('uid', uid));
    if (at < 0) at = left.findIndex((one) => one[0]!.object.metadata.name === wanted);
    if (at < 0) {
      const base = baseOf(name);
      at = left.findIndex(
        (one) =>
          base !== undefined &&
          baseOf(one[0]!.object.metadata.name) === base &&
          outline(one).join() === outline(events).join(),
      );
      if (at < 0) at = left.findIndex((one) => base !== undefined && baseOf(one[0]!.object.metadata.name) === base);
    }
    const path = `${watch}/${name}`;
    const [mine] = at < 0 ? [] : left.splice(at, 1);
    if (mine === undefined) {
      differences.push({ path, recorded: outline(events), own: undefined });
      continue;
    }
    known.agree('name', name, mine[0]!.object.metadata.name);
    const [theirs, ours] = [outline(events), outline(mine)];
    if (theirs.join('\n') !== ours.join('\n'))
      differences.push({ path: `${path}.outline`, recorded: theirs, own: ours });
    differences.push(...compareLast(events.at(-1)!, mine.at(-1)!, known, path));
  }
  for (const events of left) {
    differences.push({
      path: `${watch}/${events[0]!.object.metadata.name}`,
      recorded: undefined,
      own: outline(events),
    });
  }
  return differences;
}

/** What happens to an object, without the counting of controllers. */
function outline(events: readonly WatchEvent[]): string[] {
  const lines = events.map(({ type, object }) => {
    const { metadata, status } = object as RecordedObject & {
      metadata: { generation?: number; deletionGracePeriodSeconds?: number };
    };
    const words = [type];
    if (metadata.deletionTimestamp !== undefined) words.push(`deleting in ${metadata.deletionGracePeriodSeconds}`);
    if (typeof status?.phase === 'string') words.push(status.phase);
    if (object.kind === 'Pod')
      words.push(((object.spec ?? {}) as { nodeName?: string }).nodeName === undefined ? 'unbound' : 'bound');
    return words.join(' ');
  });
  return lines.filter((line, index) => line !== lines[index - 1]);
}

function compareLast(recorded: WatchEvent, own: WatchEvent, known: Correspondence, path: string): Difference[] {
  // managedFields were removed when sequences were recorded; versions are compared per object by the outline.
  const bare = ({ object }: WatchEvent): unknown => {
    const { managedFields: _, resourceVersion: _version, ...metadata } = object.metadata as Record<string, unknown>;
    return { ...object, metadata };
  };
  return compare(bare(recorded), bare(own), known, path);
}
