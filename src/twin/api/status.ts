/** Errors of the API server, with the codes, reasons and texts that were recorded from a real one (Kubernetes 1.36.2). */

export interface StatusCause {
  readonly reason?: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A failure Status, thrown. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  /** HTTP status. */
  readonly code: number;
  readonly reason: string | undefined;
  readonly details: StatusDetails | undefined;
  constructor(code: number, reason: string | undefined, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** The body of a failure as the API sends it. */
export function statusBody(error: StatusError): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    ...(error.reason !== undefined && { reason: error.reason }),
    ...(error.details !== undefined && { details: error.details }),
    code: error.code,
  };
}

/** How messages and details name a resource: plural and group for most, kind and group for 422. */
export interface Named {
  readonly plural: string;
  readonly group: string;
  readonly kind: string;
}

const dotted = (first: string, group: string): string => (group === '' ? first : `${first}.${group}`);

const detailsOf = (named: Named, name: string, kind: string): StatusDetails => ({
  ...(name !== '' && { name }),
  ...(named.group !== '' && { group: named.group }),
  kind,
});

export function notFound(named: Named, name: string): StatusError {
  const message = `${dotted(named.plural, named.group)} "${name}" not found`;
  return new StatusError(404, 'NotFound', message, detailsOf(named, name, named.plural));
}

/** A path below a served group that nothing serves. */
export const noSuchResource = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export function alreadyExists(named: Named, name: string): StatusError {
  const message = `${dotted(named.plural, named.group)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, detailsOf(named, name, named.plural));
}

export function conflict(named: Named, name: string, why?: string): StatusError {
  const text = why ?? 'the object has been modified; please apply your changes to the latest version and try again';
  const message = `Operation cannot be fulfilled on ${dotted(named.plural, named.group)} "${name}": ${text}`;
  return new StatusError(409, 'Conflict', message, detailsOf(named, name, named.plural));
}

/** A precondition of a delete or an eviction; the text names the kind, not the plural (recorded). */
export function preconditionFailed(
  named: Named,
  name: string,
  field: 'UID' | 'ResourceVersion',
  wanted: string,
  found: string,
): StatusError {
  const guess = field === 'UID' ? 'deleted and then recreated' : 'modified';
  const why = `the ${field} in the precondition (${wanted}) does not match the ${field} in record (${found}). The object might have been ${guess}`;
  const message = `Operation cannot be fulfilled on ${dotted(named.kind, named.group)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, detailsOf(named, name, named.kind));
}

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

export function forbidden(named: Named, name: string, why: string, causes?: readonly StatusCause[]): StatusError {
  const message = `${dotted(named.plural, named.group)} "${name}" is forbidden: ${why}`;
  return new StatusError(403, 'Forbidden', message, {
    ...detailsOf(named, name, named.plural),
    ...(causes !== undefined && { causes }),
  });
}

export const methodNotAllowed = (): StatusError =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** What this API server does not model; a later issue may. Never answered with something near. */
export const notModelled = (what: string): StatusError =>
  new StatusError(501, 'NotModelled', `not modelled by the twin: ${what}`);

/** One problem of a field, as in `causes` of a 422. */
export interface FieldProblem {
  readonly field: string;
  readonly reason: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden' | 'FieldValueNotSupported';
  readonly message: string;
}

export const required = (field: string, text = ''): FieldProblem => ({
  field,
  reason: 'FieldValueRequired',
  message: text === '' ? 'Required value' : `Required value: ${text}`,
});

export const invalid = (field: string, value: unknown, text: string): FieldProblem => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${text}`,
});

export const fieldForbidden = (field: string, text: string): FieldProblem => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${text}`,
});

/** 422 for one or more problems. */
export function invalidObject(named: Named, name: string, problems: readonly FieldProblem[]): StatusError {
  const texts = problems.map((problem) => `${problem.field}: ${problem.message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const causes = problems.map(({ reason, message, field }) => ({ reason, message, field }));
  return new StatusError(422, 'Invalid', `${dotted(named.kind, named.group)} "${name}" is invalid: ${list}`, {
    ...detailsOf(named, name, named.kind),
    causes,
  });
}
