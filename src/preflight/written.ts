/** A value of free-form YAML as a message shows it: text as it is, everything else as JSON. Never throws, whatever its keys are. */
export function written(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? 'nothing';
}
