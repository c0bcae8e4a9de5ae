/** Targets of rules, and the walk of a packet through a chain. */
import { parseAddress } from './address.ts';
import { compileMatches, type Match, parseMark, type RuleContext } from './iptables-match.ts';
import { formatRule, parseRule, type RuleOption, type RuleText } from './iptables-parse.ts';
import { NetworkNotModelled } from './packet.ts';

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'masquerade' }
  | { readonly kind: 'reject'; readonly with: string }
  | { readonly kind: 'source' | 'destination'; readonly address: number; readonly port: number | undefined };

const ACCEPT: Verdict = { kind: 'accept' };
const DROP: Verdict = { kind: 'drop' };
const RETURN: Verdict = { kind: 'return' };
const MASQUERADE: Verdict = { kind: 'masquerade' };

/** What a fitting rule does: a verdict, a jump, or something that lets the packet go on to the next rule. */
type Action =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'continue'; readonly effect: (context: RuleContext, effects: Effects) => void };

/** What a chain did beside its verdict. */
export interface Effects {
  notrack: boolean;
}

export interface CompiledRule {
  readonly chain: string;
  /** As iptables-save prints it. */
  readonly text: string;
  readonly matches: readonly Match[];
  readonly action: Action;
}

export interface Chain {
  /** Of a built-in chain. */
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly rules: readonly CompiledRule[];
}

/** `10.0.0.1:8080` or an address alone. */
function endpoint(text: string): { address: number; port: number | undefined } {
  const [address, port] = text.split(':');
  return { address: parseAddress(address!), port: port === undefined ? undefined : Number(port) };
}

function markAction(options: readonly RuleOption[]): Action {
  const option = options[0];
  const { value, mask } = parseMark(option?.values[0] ?? '');
  // --set-xmark clears the bits of the mask and flips those of the value; --set-mark clears both and sets the value.
  const keep = option?.flag === '--set-xmark' ? ~mask : ~(mask | value);
  const flip = option?.flag === '--set-xmark';
  if (!flip && option?.flag !== '--set-mark') return notModelled(`MARK ${option?.flag ?? ''}`);
  return {
    kind: 'continue',
    effect: ({ packet }) => {
      packet.mark = (flip ? (packet.mark & keep) ^ value : (packet.mark & keep) | value) >>> 0;
    },
  };
}

function notModelled(target: string): Action {
  return {
    kind: 'continue',
    effect: ({ host }) => {
      throw new NetworkNotModelled(`iptables target ${target} on ${host.node}`);
    },
  };
}

const NOTRACK: Action = {
  kind: 'continue',
  effect: (_, effects) => {
    effects.notrack = true;
  },
};
const NOTHING: Action = { kind: 'continue', effect: () => {} };

function targetAction(name: string, options: readonly RuleOption[]): Action {
  const value = (flag: string): string | undefined => options.find((o) => o.flag === flag)?.values[0];
  switch (name) {
    case 'ACCEPT':
      return { kind: 'verdict', verdict: ACCEPT };
    case 'DROP':
      return { kind: 'verdict', verdict: DROP };
    case 'RETURN':
      return { kind: 'verdict', verdict: RETURN };
    case 'MASQUERADE':
      return { kind: 'verdict', verdict: MASQUERADE };
    case 'REJECT':
      return { kind: 'verdict', verdict: { kind: 'reject', with: value('--reject-with') ?? 'icmp-port-unreachable' } };
    case 'SNAT':
    case 'DNAT': {
      const to = value(name === 'SNAT' ? '--to-source' : '--to-destination');
      if (to === undefined) return notModelled(`${name} without an address`);
      return { kind: 'verdict', verdict: { kind: name === 'SNAT' ? 'source' : 'destination', ...endpoint(to) } };
    }
    case 'MARK':
      return markAction(options);
    case 'CT':
      return options.length === 1 && options[0]!.flag === '--notrack' ? NOTRACK : notModelled('CT');
    case 'NOTRACK':
      return NOTRACK;
    case 'LOG':
    case 'NFLOG':
      return NOTHING;
    default:
      return { kind: 'jump', chain: name };
  }
}

/** Nodes have most of their rules in common, and a compiled rule belongs to no node. */
const compiled = new Map<string, CompiledRule>();
const MAX_COMPILED = 50_000;

/** A rule as written in iptables-save's syntax, compiled. */
export function compileRule(text: string): CompiledRule {
  let rule = compiled.get(text);
  if (rule === undefined) {
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    const parsed = parseRule(text);
    rule = compile(parsed, formatRule(parsed));
    compiled.set(text, rule);
  }
  return rule;
}

function compile(rule: RuleText, text: string): CompiledRule {
  const at = rule.options.findIndex((option) => option.flag === '-j' || option.flag === '-g');
  const matches = compileMatches(at < 0 ? rule.options : rule.options.slice(0, at));
  if (at < 0) return { chain: rule.chain, text, matches, action: NOTHING };
  const target = rule.options[at]!;
  const name = target.values[0] ?? '';
  const action: Action =
    target.flag === '-g' ? { kind: 'goto', chain: name } : targetAction(name, rule.options.slice(at + 1));
  return { chain: rule.chain, text, matches, action };
}

const MAX_DEPTH = 32;

function fits(rule: CompiledRule, context: RuleContext): boolean {
  for (const match of rule.matches) if (!match(context)) return false;
  return true;
}

function walkChain(
  chains: ReadonlyMap<string, Chain>,
  name: string,
  context: RuleContext,
  effects: Effects,
  depth: number,
): Verdict {
  const chain = chains.get(name);
  // A jump to a name that is no chain is an extension target which this model does not know.
  if (chain === undefined) throw new NetworkNotModelled(`iptables target ${name} on ${context.host.node}`);
  if (depth > MAX_DEPTH) throw new NetworkNotModelled(`iptables chains in a circle at ${name} on ${context.host.node}`);
  for (const rule of chain.rules) {
    if (!fits(rule, context)) continue;
    const { action } = rule;
    if (action.kind === 'continue') action.effect(context, effects);
    else if (action.kind === 'verdict') return action.verdict;
    else {
      const verdict = walkChain(chains, action.chain, context, effects, depth + 1);
      // What returns from a goto returns to where this chain was called from.
      if (verdict.kind !== 'return' || action.kind === 'goto') return verdict;
    }
  }
  return RETURN;
}

/** The verdict of a table at one hook; a built-in chain that is left falls to its policy. */
export function evaluateHook(
  chains: ReadonlyMap<string, Chain> | undefined,
  hook: string,
  context: RuleContext,
  effects: Effects,
): Verdict {
  const chain = chains?.get(hook);
  if (chains === undefined || chain === undefined || (chain.rules.length === 0 && chain.policy !== 'DROP'))
    return ACCEPT;
  const verdict = walkChain(chains, hook, context, effects, 0);
  if (verdict.kind !== 'return') return verdict;
  return chain.policy === 'DROP' ? DROP : ACCEPT;
}
