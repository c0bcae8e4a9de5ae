import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedCheck, parseCheck, saysNothing } from '../../src/probe/check.ts';
import { parseHealthGauges } from '../../src/probe/metrics.ts';

const DIRECTORY = fileURLToPath(new URL('../fixtures/goldpinger/', import.meta.url));
const fixture = (name: string): string => readFileSync(`${DIRECTORY}${name}`, 'utf8');

describe('parseCheck', () => {
  it.each([
    ['check-healthy.json', 3, []],
    ['check-unhealthy-from-worker2.json', 3, ['nodepinger-goldpinger-49v79']],
    ['check-unhealthy-from-control-plane.json', 3, []],
    ['check-incomplete-new-pod-not-pinged-yet.json', 2, []],
    ['check-stale-replaced-pod.json', 3, ['nodepinger-goldpinger-gx4cj']],
    ['check-peer-without-ip.json', 3, ['nodepinger-goldpinger-49v79']],
    ['check-v3.11-udp-loss-but-ok.json', 3, []],
    ['check-with-probes.json', 3, []],
    ['check-empty.json', 0, []],
  ])('%s: %i entries, bad: %j', (name, entries, bad) => {
    const { pings } = parseCheck(fixture(name));
    expect(pings).toHaveLength(entries);
    expect(pings.filter((ping) => !ping.ok).map((ping) => ping.to)).toEqual(bad);
  });

  it('reads address, time and error of an entry', () => {
    const ping = parseCheck(fixture('check-unhealthy-from-worker2.json')).pings.find((entry) => !entry.ok);
    expect(ping).toEqual({
      to: 'nodepinger-goldpinger-49v79',
      ip: '10.244.2.19',
      ok: false,
      at: Date.parse('2026-01-15T10:06:08.557Z'),
      error: 'Get "http://10.244.2.19:8080/ping": context deadline exceeded',
    });
    expect(ping && saysNothing(ping)).toBe(false);
  });

  it('knows the error that says nothing of the network', () => {
    const bad = parseCheck(fixture('check-peer-without-ip.json')).pings.filter((ping) => !ping.ok);
    expect(bad.map(saysNothing)).toEqual([true]);
  });

  it('reads external probes', () => {
    expect(parseCheck(fixture('check-with-probes.json')).targets).toEqual([
      { target: '10.96.0.1:443', protocol: 'tcp', error: 'dial tcp 10.96.0.1:443: i/o timeout' },
      { target: 'kubernetes.default.svc.cluster.local', protocol: 'dns', error: '' },
    ]);
  });

  it.each([
    '',
    'null',
    '[]',
    '"text"',
    '<html>',
    '{"podResults":null}',
    '{"podResults":[]}',
    '{"podResults":{"a":null}}',
    '{"podResults":{"a":{"PodIP":"10.0.0.1","PingTime":"2026-01-15T10:06:13.244Z"}}}',
    '{"podResults":{"a":{"OK":"true","PingTime":"2026-01-15T10:06:13.244Z"}}}',
    '{"podResults":{"a":{"OK":true}}}',
    '{"podResults":{"a":{"OK":true,"PingTime":"yesterday"}}}',
    '{"podResults":{"a":{"OK":true,"PingTime":"2026-01-15T10:06:1x.244Z"}}}',
    '{"podResults":{"a":{"OK":true,"PodIP":7,"PingTime":"2026-01-15T10:06:13.244Z"}}}',
    '{"kind":"Status","code":503}',
    '{"hosts":null,"responses":{}}',
    '{"probeResults":{"x":{}}}',
  ])('refuses %s instead of reading it as an instance without bad peers', (body) => {
    expect(() => parseCheck(body)).toThrow(MalformedCheck);
  });

  it('refuses every other answer of goldpinger', () => {
    const others = readdirSync(DIRECTORY).filter((name) => /^(check_all|cluster_health|healthz|ping)/.test(name));
    expect(others.length).toBeGreaterThan(5);
    for (const name of others) expect(() => parseCheck(fixture(name)), name).toThrow(MalformedCheck);
  });

  it('reads times as Date.parse does, in every precision that Go prints', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        fc.constantFrom('ms', 's', 'offset'),
        (date, form) => {
          const iso = date.toISOString();
          const time = form === 'ms' ? iso : form === 's' ? `${iso.slice(0, 19)}Z` : iso.replace('Z', '+00:00');
          const body = JSON.stringify({ podResults: { a: { OK: true, PingTime: time } } });
          expect(parseCheck(body).pings[0]?.at).toBe(Date.parse(time));
        },
      ),
    );
  });
});

describe('parseHealthGauges', () => {
  it.each([
    ['metrics-healthy.txt', 3, 0],
    ['metrics-unhealthy.txt', 2, 1],
    ['metrics-first-interval-no-health-series.txt', null, null],
    ['metrics-blind-api-list-failed.txt', 0, 0],
  ])('%s: %s healthy, %s unhealthy', (name, healthy, unhealthy) => {
    expect(parseHealthGauges(fixture(name))).toEqual({ healthy, unhealthy });
  });
});
