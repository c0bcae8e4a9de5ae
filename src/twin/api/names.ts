/** What names, label keys and label values may look like (apimachinery pkg/util/validation); texts as recorded. */

export const LABEL = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  text: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
};

export const SUBDOMAIN = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  text: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
};

/** Names of Services, which must be names in the DNS that start with a letter. */
export const DNS_1035 = {
  pattern: /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
  text: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
};

type Rule = typeof LABEL;

/** Characters that names have at most; every label has fewer than a subdomain. */
const LONGEST = (rule: Rule): number => (rule === SUBDOMAIN ? 253 : 63);

/** What is wrong with a name by one of the rules above. */
export function nameProblems(name: string, rule: Rule): string[] {
  const problems = name.length > LONGEST(rule) ? [`must be no more than ${LONGEST(rule)} bytes`] : [];
  if (rule.pattern.test(name)) return problems;
  // What would be a subdomain can only have dots too many.
  const dots = rule === LABEL && SUBDOMAIN.pattern.test(name);
  return [...problems, dots ? 'must not contain dots' : rule.text];
}

/** What is wrong with the name of a port (IANA service name). */
export function portNameProblems(name: string): string[] {
  return [
    ...(name.length > 15 ? ['must be no more than 15 bytes'] : []),
    ...(/^[-a-z0-9]+$/.test(name) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(name) ? [] : ['must contain at least one letter (a-z)']),
    ...(name.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(/^-|-$/.test(name) ? ['must not begin or end with a hyphen'] : []),
  ];
}

const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const NAME_PART =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with `key` or `example.com/key`. */
export function labelKeyProblems(key: string): string[] {
  const problems: string[] = [];
  const slash = key.indexOf('/');
  if (key.split('/').length > 2) {
    return [
      `a qualified name ${NAME_PART.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (slash >= 0) {
    const prefix = key.slice(0, slash);
    if (prefix === '') problems.push('prefix part must be non-empty');
    else if (!SUBDOMAIN.pattern.test(prefix)) problems.push(`prefix part ${SUBDOMAIN.text}`);
  }
  const name = key.slice(slash + 1);
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push('name part must be no more than 63 bytes');
  if (!QUALIFIED.test(name)) problems.push(NAME_PART);
  return problems;
}

export function labelValueProblems(value: string): string[] {
  if (value.length > 63) return ['must be no more than 63 bytes'];
  return value === '' || QUALIFIED.test(value) ? [] : [VALUE_TEXT];
}
