import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../../src/kube/objects.ts';
import { EagerGoldpinger } from './eager.ts';
import { scene } from './scene.ts';

const NAMES = ['a', 'b', 'c', 'd'];

/** What happens, at odd half milliseconds so that it never coincides with a ping. */
const actions = fc.array(
  fc.record({
    wait: fc.integer({ min: 1, max: 9_000 }),
    kind: fc.constantFrom('cut', 'heal', 'blind', 'see', 'readdress', 'noaddress', 'remove', 'add', 'read'),
    x: fc.nat({ max: 3 }),
    y: fc.nat({ max: 3 }),
  }),
  { minLength: 1, maxLength: 25 },
);

describe('the lazy instance', () => {
  it('equals one timer per ping under random changes of network and pods', () => {
    fc.assert(
      fc.property(actions, fc.integer({ min: 1, max: 1_000 }), (steps, seed) => {
        const s = scene({}, seed);
        const { world } = s;
        const uids = NAMES.map((name) => s.startPod(name));
        const peers = () =>
          world.store
            .list<Pod>('pods')
            .filter((pod) => pod.status?.phase === 'Running')
            .map((pod) => ({ name: pod.metadata.name, ip: pod.status?.podIP ?? '', host: pod.status?.hostIP ?? '' }));
        const eager: EagerGoldpinger[] = [];
        // The reference starts when the first, blocking list is over.
        world.time.run(20);
        NAMES.forEach((name, i) => {
          eager.push(
            new EagerGoldpinger(name, world.time, {
              refresh: 2_000,
              jitter: 0.05,
              ping: ({ ip }) => {
                if (ip === '') return { ok: false, ms: 0, error: "Host or pod IP empty, can't make a call" };
                const outcome = world.fakeNetwork.decide({ podUid: uids[i]! }, { ip, port: 8080 });
                const get = `Get "http://${ip}:8080/ping": `;
                if (outcome.ok) return { ok: true, ms: outcome.milliseconds, error: '' };
                return outcome.failure === 'timeout'
                  ? { ok: false, ms: 1_000, error: `${get}context deadline exceeded` }
                  : { ok: false, ms: 1, error: `${get}dial tcp ${ip}:8080: connect: ${outcome.errno}` };
              },
              api: () => !s.blind.has(uids[i]!),
              peers,
              random: (consumer) => world.random(consumer),
            }),
          );
        });
        const compare = (): void => {
          NAMES.forEach((_, i) => {
            if (!world.processes.has(uids[i]!)) return;
            const lazy = Object.entries(s.check(uids[i]!)).map(([name, one]) => [
              name,
              Date.parse(one.PingTime),
              one.OK,
              one.error ?? '',
            ]);
            const expected = [...eager[i]!.results]
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, one]) => [name, one.pingTime, one.ok, one.error]);
            expect(lazy).toEqual(expected);
            const text = s.ask(uids[i]!, '/metrics').body;
            const count = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
            expect(count(/status="unhealthy"\} (\d+)/)).toBe(eager[i]!.gauge?.unhealthy ?? 0);
            expect(count(/status="healthy"\} (\d+)/)).toBe(eager[i]!.gauge?.healthy ?? 0);
            expect(count(/type="ping"\} (\d+)/)).toBe(eager[i]!.errors);
            expect(count(/action="ping",[^}]*group="made"\} (\d+)/)).toBe(eager[i]!.made);
          });
        };
        world.time.run(0.5);
        let fresh = 0;
        const ip = (i: number): string =>
          world.store.get<Pod>('pods', NAMES[i]!, 'default')?.status?.podIP ?? '192.168.0.250';
        for (const { wait, kind, x, y } of steps) {
          world.time.run(wait);
          const { fakeNetwork } = world;
          if (kind === 'cut') fakeNetwork.change(() => s.cut.add(`${uids[x]}>${ip(y)}`));
          else if (kind === 'heal') fakeNetwork.change(() => s.cut.delete(`${uids[x]}>${ip(y)}`));
          else if (kind === 'blind') fakeNetwork.change(() => s.blind.add(uids[x]!));
          else if (kind === 'see') fakeNetwork.change(() => s.blind.delete(uids[x]!));
          else if (kind === 'readdress') {
            fresh += 1;
            const address = `192.168.1.${fresh}`;
            fakeNetwork.change(() =>
              s.patchPod(NAMES[x]!, (pod) => void Object.assign(pod.status!, { podIP: address })),
            );
          } else if (kind === 'noaddress') {
            fakeNetwork.change(() => s.patchPod(NAMES[x]!, (pod) => void delete pod.status!.podIP));
          } else if (kind === 'remove') {
            s.patchPod(NAMES[x]!, (pod) => void Object.assign(pod.status!, { phase: 'Succeeded' }));
          } else if (kind === 'add') {
            s.patchPod(NAMES[x]!, (pod) => void Object.assign(pod.status!, { phase: 'Running' }));
          } else compare();
        }
        world.time.run(3_000);
        compare();
      }),
      { numRuns: 60 },
    );
  });

  it('needs few timers and few walks of packets: 25 instances with 15 peers for 40 minutes', () => {
    const s = scene();
    for (let i = 0; i < 25; i++) s.startPod(`p${String(i).padStart(2, '0')}`, { env: { REFRESH_INTERVAL: '2' } });
    const { world } = s;
    for (let minute = 0; minute < 40; minute++) {
      world.time.run(60_000);
      world.fakeNetwork.change(() => {});
    }
    const [first] = world.processes.keys();
    expect(Object.keys(s.check(first!))).toHaveLength(25);
    const made = Number(/group="made"\} (\d+)/.exec(s.ask(first!, '/metrics').body)?.[1]);
    expect(made).toBeGreaterThan(25 * 1_100);
    expect(world.time.fired).toBeLessThan(3_000);
    // Each pair once a change, and every list of pods on its own.
    expect(world.fakeNetwork.connects).toBeLessThan(25 * 26 * 45 + 25 * 1_250);
  });
});
