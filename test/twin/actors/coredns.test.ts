import { expect, it } from 'vitest';
import { registerCoreDns } from '../../../src/twin/actors/coredns.ts';
import type { ContainerContext } from '../../../src/twin/world.ts';
import { fakeWorld } from '../controllers/fake-world.ts';

it('is ready some seconds after its start, and only once it reached the API', () => {
  const world = fakeWorld();
  registerCoreDns(world);
  world.store.create('services', {
    metadata: { name: 'kubernetes', namespace: 'default' },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 443 }] },
  });
  const context = { podUid: 'u', after: (ms: number, action: () => void) => world.time.after(ms, action) };
  const process = world.programs.find('coredns/coredns', 'coredns')!(context as unknown as ContainerContext);
  expect(process.ports).toContain(53);
  world.time.run(10_000);
  expect(process.probe!('readiness')).toBe(false);
  expect(process.probe!('liveness')).toBe(true);
  world.fakeNetwork.decide = () => ({
    ok: true,
    milliseconds: 1,
    at: { node: 'cp', port: 6443 },
    sourceSeen: '',
    pathMtu: 1500,
  });
  world.time.run(1_000);
  expect(process.probe!('readiness')).toBe(true);
  expect(process.http!(8181, '/ready')).toEqual({ status: 200, body: 'OK' });
});
