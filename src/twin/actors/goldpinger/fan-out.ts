/** `/check_all` and `/cluster_health`: a fresh list, then a live `/check` of every pod (client.go, v3.10.2). */
import type { HttpAnswer } from '../../world.ts';
import { type CheckResults, dateTime, line, sortedMap } from './answers.ts';
import { NO_ADDRESS } from './instance.ts';
import type { Member, Mesh } from './mesh.ts';
import type { Peer } from './peers.ts';
import type { Settings } from './settings.ts';

interface Asked {
  readonly peer: Peer;
  readonly ok: boolean;
  readonly error: string;
  readonly check: CheckResults | undefined;
  readonly ms: number;
}

/** Asks every pod that a list shows now; none when the list fails. */
function askAll(mesh: Mesh, member: Member, settings: Settings): Asked[] {
  if (mesh.reachApi(member) !== 'ok') return [];
  const peers = [...mesh.peerSet(settings.namespace, settings.labelSelector).peers.values()];
  return peers
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((peer) => {
      if (peer.podIp === '' || peer.hostIp === '')
        return { peer, ok: false, error: NO_ADDRESS, check: undefined, ms: 0 };
      const verdict = mesh.call(member, peer.podIp, settings.port, '/check', settings.checkTimeoutMs);
      if (!verdict.ok) return { peer, ok: false, error: verdict.error, check: undefined, ms: verdict.ms };
      const body = mesh.world.process(verdict.answeredBy ?? '')?.http?.(settings.port, '/check').body ?? '{}';
      return { peer, ok: true, error: '', check: JSON.parse(body) as CheckResults, ms: verdict.ms };
    });
}

export function checkAll(mesh: Mesh, member: Member, settings: Settings): HttpAnswer {
  const asked = askAll(mesh, member, settings);
  const hosts = asked.map(({ peer }) => ({ hostIP: peer.hostIp, podIP: peer.podIp, podName: peer.name }));
  const responses = sortedMap(
    asked.map(
      ({ peer, ok, error, check }) =>
        [
          peer.name,
          {
            ...(peer.hostIp !== '' && { HostIP: peer.hostIp }),
            OK: ok,
            ...(peer.podIp !== '' && { PodIP: peer.podIp }),
            ...(error !== '' && { error }),
            ...(check !== undefined && { response: check }),
          },
        ] as const,
    ),
  );
  return { status: 200, body: line({ hosts: hosts.length > 0 ? hosts : null, ...(responses && { responses }) }) };
}

/** OK means only that every pod answered and lists the same hosts; failed pings do not count (a known false green). */
export function clusterHealth(mesh: Mesh, member: Member, settings: Settings): HttpAnswer {
  const asked = askAll(mesh, member, settings);
  const expected = asked.map(({ peer }) => peer.hostIp).sort();
  const healthy = asked.filter(({ ok }) => ok).map(({ peer }) => peer.hostIp);
  const unhealthy = asked.filter(({ ok }) => !ok).map(({ peer }) => peer.hostIp);
  const agree = asked.every(({ check }) => {
    const seen = Object.values(check?.podResults ?? {})
      .map((result) => result.HostIP ?? '')
      .sort();
    return JSON.stringify(seen) === JSON.stringify(expected);
  });
  const ok = asked.length > 0 && unhealthy.length === 0 && agree;
  const slowest = Math.max(0, ...asked.map(({ ms }) => ms));
  return {
    status: ok ? 200 : 418,
    body: line({
      OK: ok,
      'duration-ns': Math.round(slowest * 1e6),
      'generated-at': dateTime(mesh.world.time.now()),
      nodesHealthy: healthy.length > 0 ? healthy : null,
      nodesTotal: asked.length,
      nodesUnhealthy: unhealthy.length > 0 ? unhealthy : null,
    }),
  };
}
