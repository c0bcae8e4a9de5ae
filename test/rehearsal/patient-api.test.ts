/** What is asked again, for how long, and what is not. */
import { describe, expect, test } from 'vitest';
import { ApiUnreachable, type KubeApi, KubeError } from '../../src/kube/api.ts';
import { nodes, pods } from '../../src/kube/resources.ts';
import { ApiLost, Outages, patientApi } from '../../src/rehearsal/patient-api.ts';
import { VirtualClock } from '../../src/time/virtual-clock.ts';

/** Each call ends as the next entry says; the last entry stays. */
function around(answers: readonly (Error | 'ok')[]) {
  const clock = new VirtualClock({ epoch: 0 });
  let calls = 0;
  const answer = (): Promise<never> => {
    const next = answers[Math.min(calls++, answers.length - 1)]!;
    return next === 'ok' ? Promise.resolve({ items: [] } as never) : Promise.reject(next);
  };
  const api = { list: answer, evict: answer, patch: answer } as unknown as KubeApi;
  const { signal } = new AbortController();
  const patient = patientApi(api, { clock, outages: new Outages(clock), apiOutageMs: 300_000, signal });
  return { clock, patient, calls: () => calls };
}

const server = (code: number) => new KubeError(code, '', 'etcdserver: leader changed', 'GET /x');
const away = new ApiUnreachable('refused', 'GET /x');

describe('an answer of a server in trouble', () => {
  test.each([429, 500, 502, 503, 504])('%i passes when it is asked again', async (code) => {
    const { clock, patient } = around([server(code), server(code), 'ok']);
    await expect(clock.run(() => patient.list(pods))).resolves.toEqual({ items: [] });
  });

  test('is waited for as long as an outage, not without end', async () => {
    const { clock, patient } = around([server(503)]);
    await expect(clock.run(() => patient.list(pods))).rejects.toMatchObject({ code: 503 });
    expect(clock.now()).toBeGreaterThan(300_000);
    expect(clock.now()).toBeLessThan(310_000);
  });

  test.each([400, 403, 404, 409, 410, 422, 501])('%i is an answer', async (code) => {
    const { clock, patient, calls } = around([server(code), 'ok']);
    await expect(clock.run(() => patient.list(pods))).rejects.toMatchObject({ code });
    expect(calls()).toBe(1);
  });

  test.each([429, 500])("an eviction's %i is the budget's, and not repeated here", async (code) => {
    const { clock, patient, calls } = around([server(code), 'ok']);
    await expect(clock.run(() => patient.evict({ name: 'p', namespace: 'n' }))).rejects.toMatchObject({ code });
    expect(calls()).toBe(1);
  });
});

describe('a server that has just started', () => {
  // As kubeadm's administrator reads it before the authorizer has its roles (kubernetes issue 121635).
  const denied = new KubeError(
    403,
    'Forbidden',
    'nodes is forbidden: User "kubernetes-admin" cannot list resource "nodes" in API group "" at the cluster scope',
    'GET /api/v1/nodes',
  );

  test('denies everybody everything for a moment', async () => {
    const { clock, patient } = around([away, denied, denied, 'ok']);
    await expect(clock.run(() => patient.list(pods))).resolves.toEqual({ items: [] });
  });

  test('may deny after it was in trouble for long', async () => {
    const { clock, patient } = around([...Array.from({ length: 120 }, () => server(503)), denied, 'ok']);
    await expect(clock.run(() => patient.list(pods))).resolves.toEqual({ items: [] });
  });

  test('is believed when it goes on denying', async () => {
    const { clock, patient } = around([denied]);
    await expect(clock.run(() => patient.list(pods))).rejects.toMatchObject({ code: 403 });
    expect(clock.now()).toBeGreaterThan(60_000);
    expect(clock.now()).toBeLessThan(65_000);
  });
});

describe('a patch that loses against others', () => {
  const conflict = new KubeError(409, 'Conflict', 'the object has been modified', 'PATCH /api/v1/nodes/n');
  const patch = (patient: KubeApi) => patient.patch(nodes, { name: 'n' }, 'merge', {});

  test('is sent again', async () => {
    const { clock, patient } = around([conflict, 'ok']);
    await expect(clock.run(() => patch(patient))).resolves.toEqual({ items: [] });
  });

  test('is not sent for ever', async () => {
    const { clock, patient } = around([conflict]);
    await expect(clock.run(() => patch(patient))).rejects.toMatchObject({ code: 409 });
    expect(clock.now()).toBeGreaterThan(30_000);
    expect(clock.now()).toBeLessThan(35_000);
  });
});

test('an API that is away is lost after apiOutage, not before', async () => {
  const { clock, patient } = around([away]);
  await expect(clock.run(() => patient.list(pods))).rejects.toBeInstanceOf(ApiLost);
  expect(clock.now()).toBeGreaterThan(300_000);
  expect(clock.now()).toBeLessThan(310_000);
});
