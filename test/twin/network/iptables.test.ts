import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../../src/twin/network/address.ts';
import { IpSet } from '../../../src/twin/network/ipsets.ts';
import { evaluateHook } from '../../../src/twin/network/iptables-evaluate.ts';
import type { RuleContext } from '../../../src/twin/network/iptables-match.ts';
import { formatRule, parseRule } from '../../../src/twin/network/iptables-parse.ts';
import { IptablesTables } from '../../../src/twin/network/iptables-tables.ts';
import type { Packet } from '../../../src/twin/network/packet.ts';
import { MOMENTS, type Moment, NODES, recordedText } from './recorded.ts';

const FILES = (Object.keys(MOMENTS).map(Number) as Moment[]).flatMap((moment) =>
  NODES.map((node) => ({ moment, node, text: recordedText(moment, `${node}.iptables-save.txt`) })),
);

/** Without what only a running kernel counts. */
function normal(save: string): string {
  return save.replace(/ on .*$/gm, ' on DATE').replace(/\[\d+:\d+\]/g, '[0:0]');
}

describe('rule texts', () => {
  test('every rule of all recorded files is printed as it was read', () => {
    const rules = FILES.flatMap(({ text }) => text.split('\n').filter((line) => line.startsWith('-A ')));
    expect(rules.length).toBe(3853);
    for (const rule of rules) expect(formatRule(parseRule(rule))).toBe(rule);
  });

  test.each(FILES)('the whole file of $node at moment $moment is saved as it was restored', ({ text }) => {
    const tables = new IptablesTables();
    tables.restore(text);
    expect(normal(tables.save('DATE'))).toBe(normal(text));
  });

  test('comments of any text survive', () => {
    const comment = fc.stringMatching(/^[ -~]+$/);
    fc.assert(
      fc.property(comment, (text) => {
        const printed = formatRule({ chain: 'X', options: [{ negated: false, flag: '--comment', values: [text] }] });
        expect(parseRule(printed).options[0]!.values).toEqual([text]);
      }),
      { examples: [['-A'], ['--comment'], ['-'], ['a "quoted" \\ word']] },
    );
  });
});

interface Asked {
  packet?: Partial<Packet>;
  in?: string;
  out?: string;
  state?: string;
  destinationTranslated?: boolean;
}

const ip = parseAddress;

function context(asked: Asked): RuleContext {
  return {
    host: {
      node: 'n1',
      isLocal: (address) => address === ip('172.18.0.2'),
      isLocalOn: (device, address) => device === 'eth0' && address === ip('172.18.0.2'),
      addressSet: (name) => (name === 'pods' ? new IpSet(['192.168.0.0/16', '10.9.9.9']) : undefined),
      deviceTowards: () => 'eth0',
      random: () => 0.4,
    },
    packet: {
      src: ip('192.168.1.5'),
      dst: ip('172.18.0.2'),
      sport: 40000,
      dport: 8080,
      protocol: 'tcp',
      mark: 0x4000,
      reply: false,
      fromHost: false,
      ...asked.packet,
    },
    inDevice: asked.in ?? 'cali123',
    outDevice: asked.out ?? 'eth0',
    state: asked.state ?? 'NEW',
    sourceTranslated: false,
    destinationTranslated: asked.destinationTranslated ?? false,
  };
}

/** What a chain of these rules says, ending in DROP. */
function ask(rules: readonly string[], asked: Asked = {}, extra: readonly string[] = []): string {
  const tables = new IptablesTables();
  for (const rule of extra) tables.addChain('filter', rule.split(' ')[1]!);
  for (const rule of extra) tables.addRule('filter', rule, false);
  for (const rule of rules) tables.addRule('filter', `-A FORWARD ${rule}`, false);
  tables.addRule('filter', '-A FORWARD -j DROP', false);
  return evaluateHook(tables.chains('filter'), 'FORWARD', context(asked), { notrack: false }).kind;
}

describe('matches', () => {
  test.each<[string, boolean, Asked?]>([
    ['-s 192.168.1.0/24', true],
    ['! -s 192.168.1.0/24', false],
    ['-d 10.0.0.0/8', false],
    ['-i cali+', true],
    ['-i cali12', false],
    ['! -o cilium_+', true],
    ['-p tcp', true],
    ['-p udp', false],
    ['-p 4', true, { packet: { protocol: 'ipip' } }],
    ['-p tcp -m tcp --dport 8080', true],
    ['-p tcp -m tcp --dport 8000:8100', true],
    ['-p tcp -m tcp ! --dport 8080', false],
    ['-p tcp -m tcp --sport 8080', false],
    ['-p tcp -m multiport --dports 53,8080', true],
    ['-m mark --mark 0x4000/0x4000', true],
    ['-m mark ! --mark 0x4000/0x4000', false],
    ['-m mark --mark 0x0/0x10000', true],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', false],
    ['-m conntrack --ctstate NEW', true],
    ['-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT', false, { destinationTranslated: true }],
    ['-m set --match-set pods src', true],
    ['-m set ! --match-set pods dst', true],
    ['-m addrtype --dst-type LOCAL', true],
    ['-m addrtype ! --src-type LOCAL', true],
    ['-m addrtype --dst-type LOCAL --limit-iface-out', false, { out: 'lo' }],
    ['-m statistic --mode random --probability 0.50000000000', true],
    ['-m statistic --mode random --probability 0.33333333349', false],
    ['-m rpfilter --validmark --invert', true],
    ['-m rpfilter --validmark --invert', false, { in: 'eth0' }],
    ['-m socket --transparent', false],
    ['-m comment --comment "a b"', true],
    ['-s 192.168.1.0/24 -p tcp -m comment --comment x -m tcp --dport 1', false],
  ])('%s: %s', (rule, fits, asked) => {
    expect(ask([`${rule} -j ACCEPT`], asked)).toBe(fits ? 'accept' : 'drop');
  });

  test.each([
    ['-m hashlimit --hashlimit-upto 1/sec -j ACCEPT', 'hashlimit'],
    ['-j TEE', 'TEE'],
    ['-m set --match-set missing src -j ACCEPT', 'missing'],
    ['-m addrtype --dst-type MULTICAST -j ACCEPT', 'MULTICAST'],
  ])('not modelled is said loudly: %s', (rule, name) => {
    expect(() => ask([rule])).toThrow(name);
  });
});

describe('targets and chains', () => {
  test('marks are cleared and flipped by --set-xmark', () => {
    const rules = ['-j MARK --set-xmark 0x0/0x4000', '-j MARK --set-xmark 0x10000/0x10000'];
    expect(ask([...rules, '-m mark --mark 0x10000/0x14000 -j ACCEPT'])).toBe('accept');
  });

  test('a jump comes back, a goto does not', () => {
    expect(ask(['-j sub', '-j ACCEPT'], {}, ['-A sub -p udp -j DROP'])).toBe('accept');
    // What returns from sub's goto target returns to FORWARD, past the rest of sub.
    const extra = ['-A sub -g far', '-A sub -j DROP', '-A far -j RETURN'];
    expect(ask(['-j sub', '-j ACCEPT'], {}, extra)).toBe('accept');
    // From the built-in chain itself a goto that returns ends in the policy.
    expect(ask(['-g far'], {}, ['-A far -j RETURN'])).toBe('accept');
  });

  test('chains in a circle are refused', () => {
    expect(() => ask(['-j a'], {}, ['-A a -j b', '-A b -j a'])).toThrow('circle');
  });

  test('deleting takes the first rule of that text; a deleted chain is empty', () => {
    const tables = new IptablesTables();
    tables.addChain('nat', 'X');
    tables.addRule('nat', '-A X -j ACCEPT', false);
    tables.addRule('nat', '-A X -j DROP', true);
    expect(tables.rules('nat')).toEqual(['-A X -j DROP', '-A X -j ACCEPT']);
    expect(tables.deleteRule('nat', '-A X -j DROP')).toBe(true);
    expect(tables.deleteRule('nat', '-A X -j DROP')).toBe(false);
    tables.deleteChain('nat', 'X');
    expect(tables.rules('nat')).toEqual([]);
    expect(() => tables.addRule('nat', '-A X -j ACCEPT', false)).toThrow('No chain');
  });
});
