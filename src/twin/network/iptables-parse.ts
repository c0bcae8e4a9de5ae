/** Rules in the syntax of iptables-save, taken apart and put together again without loss. */

/** One option of a rule with its values; `-m NAME`, `-j NAME` and `-g NAME` are options too. */
export interface RuleOption {
  readonly negated: boolean;
  /** Such as `-s`, `-m`, `--dport`. */
  readonly flag: string;
  readonly values: readonly string[];
}

/** A rule as written, options in their order. */
export interface RuleText {
  readonly chain: string;
  readonly options: readonly RuleOption[];
}

interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|(\S+)/g;
  for (const match of text.matchAll(pattern)) {
    if (match[2] !== undefined) tokens.push({ text: match[2], quoted: false });
    else tokens.push({ text: (match[1] ?? '').replace(/\\(.)/g, '$1'), quoted: true });
  }
  return tokens;
}

/** `-A CHAIN …`. @throws Error when the text is no rule. */
export function parseRule(text: string): RuleText {
  const tokens = tokenize(text);
  const chain = tokens[1];
  if (tokens[0]?.text !== '-A' || chain === undefined) throw new Error(`not an iptables rule: ${text}`);
  const options: RuleOption[] = [];
  let i = 2;
  const startsOption = (token: Token | undefined): boolean =>
    token === undefined || (!token.quoted && (token.text === '!' || /^--?[a-zA-Z]/.test(token.text)));
  while (i < tokens.length) {
    const negated = tokens[i]!.text === '!' && !tokens[i]!.quoted;
    if (negated) i++;
    const flag = tokens[i++];
    if (flag === undefined || !/^--?[a-zA-Z]/.test(flag.text)) throw new Error(`iptables option expected: ${text}`);
    const values: string[] = [];
    // A comment takes the next word whatever it looks like (getopt's required argument), and `-A` needs no quotes.
    if (flag.text === '--comment' && i < tokens.length) values.push(tokens[i++]!.text);
    while (!startsOption(tokens[i])) values.push(tokens[i++]!.text);
    options.push({ negated, flag: flag.text, values });
  }
  return { chain: chain.text, options };
}

/** xtables_save_string (iptables 1.8): text beyond these characters is quoted. */
const PLAIN = /^[A-Za-z0-9_-]+$/;

function formatValue(flag: string, value: string): string {
  if (flag === '--nfacct-name') return ` ${value}`; // libxt_nfacct prints its name with a second space
  if (flag !== '--comment' || PLAIN.test(value)) return value;
  return `"${value.replace(/["\\']/g, '\\$&')}"`;
}

/** As iptables-save prints it. */
export function formatRule(rule: RuleText): string {
  const words = ['-A', rule.chain];
  for (const { negated, flag, values } of rule.options) {
    if (negated) words.push('!');
    words.push(flag, ...values.map((value) => formatValue(flag, value)));
  }
  return words.join(' ');
}
