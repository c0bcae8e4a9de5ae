/** Calico's selector language (projectcalico/calico libcalico-go/lib/selector, v3.25 to v3.32). */
import type { Labels } from './selectors.ts';

type Match = (labels: Labels) => boolean;

const TOKEN =
  /\s*(?:(\|\||&&|==|!=|[!(){},])|(all\(\)|global\(\))|has\(\s*([\w./-]+)\s*\)|(not\s+in|in|contains|starts\s+with|ends\s+with)(?=[\s{'"])|'([^']*)'|"([^"]*)"|([\w./-]+))/y;

interface Token {
  readonly kind: 'sign' | 'call' | 'has' | 'word' | 'text' | 'label';
  readonly text: string;
}

/** Does the selector match? undefined where it cannot be read. An empty one matches everything. */
export function calicoSelects(selector: string | undefined, labels: Labels): boolean | undefined {
  if (selector === undefined || selector.trim() === '') return true;
  const tokens = tokensOf(selector);
  if (tokens === undefined) return undefined;
  const parser = new Parser(tokens);
  const match = parser.either();
  return match === undefined || !parser.ended ? undefined : match(labels);
}

function tokensOf(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const found = TOKEN.exec(text);
    if (found === null) return undefined;
    const [, sign, call, has, word, single, double, label] = found;
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else if (call !== undefined) tokens.push({ kind: 'call', text: call });
    else if (has !== undefined) tokens.push({ kind: 'has', text: has });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word.replace(/\s+/, ' ') });
    else if (label !== undefined) tokens.push({ kind: 'label', text: label });
    else tokens.push({ kind: 'text', text: single ?? double ?? '' });
  }
  return tokens;
}

/** `&&` binds closer than `||`, `!` closest. Each method is undefined where the text is no selector. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get ended(): boolean {
    return this.#at === this.#tokens.length;
  }

  either(): Match | undefined {
    return this.#chain(
      '||',
      () => this.#both(),
      (a, b) => (labels) => a(labels) || b(labels),
    );
  }

  #both(): Match | undefined {
    return this.#chain(
      '&&',
      () => this.#one(),
      (a, b) => (labels) => a(labels) && b(labels),
    );
  }

  #chain(sign: string, next: () => Match | undefined, join: (a: Match, b: Match) => Match): Match | undefined {
    let match = next();
    while (match !== undefined && this.#sign(sign)) {
      const more = next();
      match = more === undefined ? undefined : join(match, more);
    }
    return match;
  }

  #one(): Match | undefined {
    if (this.#sign('!')) {
      const match = this.#one();
      return match === undefined ? undefined : (labels) => !match(labels);
    }
    if (this.#sign('(')) {
      const match = this.either();
      return this.#sign(')') ? match : undefined;
    }
    const token = this.#tokens[this.#at++];
    if (token?.kind === 'call') return () => token.text === 'all()';
    if (token?.kind === 'has') return (labels) => labels[token.text] !== undefined;
    return token?.kind === 'label' ? this.#comparison(token.text) : undefined;
  }

  #comparison(label: string): Match | undefined {
    const operator = this.#tokens[this.#at++]?.text;
    if (operator === 'in' || operator === 'not in') {
      const values = this.#set();
      if (values === undefined) return undefined;
      const within = (labels: Labels): boolean => labels[label] !== undefined && values.includes(labels[label]);
      return operator === 'in' ? within : (labels) => !within(labels);
    }
    const value = this.#tokens[this.#at++];
    if (value?.kind !== 'text') return undefined;
    const { text } = value;
    switch (operator) {
      case '==':
        return (labels) => labels[label] === text;
      case '!=':
        return (labels) => labels[label] !== text;
      case 'contains':
        return (labels) => labels[label]?.includes(text) === true;
      case 'starts with':
        return (labels) => labels[label]?.startsWith(text) === true;
      case 'ends with':
        return (labels) => labels[label]?.endsWith(text) === true;
      default:
        return undefined;
    }
  }

  #set(): string[] | undefined {
    if (!this.#sign('{')) return undefined;
    const values: string[] = [];
    while (!this.#sign('}')) {
      const token = this.#tokens[this.#at++];
      if (token?.kind !== 'text') return undefined;
      values.push(token.text);
      this.#sign(',');
    }
    return values;
  }

  /** Takes the sign when it is next. */
  #sign(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#at++;
    return true;
  }
}
