/** Rules that fields of many kinds share (apimachinery pkg/util/validation, api/validation). Texts as recorded. */
import { isMap, type JsonMap } from './json.ts';
import { LABEL, labelKeyProblems, labelValueProblems, nameProblems, portNameProblems } from './names.ts';
import { type FieldProblem, invalid, required, unsupported } from './status.ts';

export const mapOf = (value: unknown): JsonMap => (isMap(value) ? value : {});
export const mapsOf = (value: unknown): JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);
/** A text field; Go knows no difference between an empty and an absent one. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const LARGEST = 2_147_483_647;

export const all = (field: string, value: unknown, texts: readonly string[]): FieldProblem[] =>
  texts.map((text) => invalid(field, value, text));

export const named = (field: string, value: unknown, rule = LABEL): FieldProblem[] =>
  textOf(value) === '' ? [required(field)] : all(field, value, nameProblems(textOf(value), rule));

/** One of the listed texts; an empty one is somebody else's matter. */
export const oneOf = (field: string, value: unknown, allowed: readonly string[]): FieldProblem[] =>
  textOf(value) === '' || allowed.includes(textOf(value)) ? [] : [unsupported(field, value, allowed)];

export const notNegative = (field: string, value: unknown): FieldProblem[] =>
  typeof value === 'number' && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];

export const between = (field: string, value: unknown, low: number, high = LARGEST): FieldProblem[] =>
  typeof value === 'number' && (value < low || value > high)
    ? [invalid(field, value, `must be between ${low} and ${high}, inclusive`)]
    : [];

/** The number or the name of a port. */
export const portNumberOrName = (field: string, value: unknown): FieldProblem[] =>
  typeof value === 'string' ? all(field, value, portNameProblems(value)) : between(field, value, 1, 65_535);

/** Labels that are looked for, or that something gets. */
export function labelMap(field: string, labels: unknown): FieldProblem[] {
  return Object.entries(mapOf(labels)).flatMap(([key, value]) => [
    ...all(field, key, labelKeyProblems(key)),
    ...all(field, value, labelValueProblems(textOf(value))),
  ]);
}

/** How many of `total`: a whole number, or a percentage. */
export function countOrPercent(field: string, value: unknown, atMostAll = true): FieldProblem[] {
  if (typeof value !== 'string') return notNegative(field, value);
  if (!/^[0-9]+%$/.test(value)) {
    const text =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    return [invalid(field, value, text)];
  }
  return atMostAll && Number.parseInt(value, 10) > 100 ? [invalid(field, value, 'must not be greater than 100%')] : [];
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** A LabelSelector (apimachinery meta/v1/validation). */
export function selectorProblems(field: string, selector: unknown): FieldProblem[] {
  const expressions = mapsOf(mapOf(selector).matchExpressions).flatMap((one, index) => {
    const at = `${field}.matchExpressions[${index}]`;
    const values = Array.isArray(one.values) ? one.values : [];
    const set = one.operator === 'In' || one.operator === 'NotIn';
    return [
      ...(set && values.length === 0
        ? [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []),
      ...(OPERATORS.includes(textOf(one.operator))
        ? []
        : [invalid(`${at}.operator`, one.operator, 'not a valid selector operator')]),
      ...all(`${at}.key`, one.key, labelKeyProblems(textOf(one.key))),
    ];
  });
  return [...labelMap(`${field}.matchLabels`, mapOf(selector).matchLabels), ...expressions];
}

/** Does the selector find these labels? Undefined where it is none. */
export function selectorFinds(selector: unknown, labels: JsonMap): boolean | undefined {
  if (!isMap(selector)) return false;
  if (Object.entries(mapOf(selector.matchLabels)).some(([key, value]) => labels[key] !== value)) return false;
  let found = true;
  for (const { key, operator, values } of mapsOf(selector.matchExpressions)) {
    const value = labels[textOf(key)];
    const list = Array.isArray(values) ? (values as unknown[]) : [];
    const set = operator === 'In' || operator === 'NotIn';
    if (!OPERATORS.includes(textOf(operator)) || (set && list.length === 0)) return undefined;
    if (operator === 'In') found &&= list.includes(value);
    else if (operator === 'NotIn') found &&= !list.includes(value);
    else found &&= (value !== undefined) === (operator === 'Exists');
  }
  return found;
}
