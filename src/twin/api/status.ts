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
  /** A token with which an expired list can be continued. */
  readonly continue: string | undefined;
  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: StatusDetails,
    more: { continue?: string } = {},
  ) {
    super(message);
    this.continue = more.continue;
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
    metadata: error.continue === undefined ? {} : { continue: error.continue },
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
  ...(kind !== '' && { kind }),
});

export function notFound(named: Named, name: string): StatusError {
  const message = `${dotted(named.plural, named.group)} "${name}" not found`;
  return new StatusError(404, 'NotFound', message, detailsOf(named, name, named.plural));
}

/** A path below a served group that nothing serves. */
export const noSuchResource = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export function alreadyExists(named: Named, name: string, leaving = false): StatusError {
  const message = `${leaving ? 'object is being deleted: ' : ''}${dotted(named.plural, named.group)} "${name}" already exists`;
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

/** 410: what was asked for is no longer remembered. */
export const expired = (message: string, token?: string): StatusError =>
  new StatusError(410, 'Expired', message, undefined, token === undefined ? {} : { continue: token });

/** 504: a version that does not exist yet. A real server waits 3 s for it before it says so. */
export const versionTooLarge = (asked: number, now: number): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${now}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

export const methodNotAllowed = (): StatusError =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** What this API server does not model; a later issue may. Never answered with something near. */
export const notModelled = (what: string): StatusError =>
  new StatusError(501, 'NotModelled', `not modelled by the twin: ${what}`);

/** One problem of a field, as in `causes` of a 422. */
export interface FieldProblem {
  readonly field: string;
  readonly reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong'
    | 'FieldValueTypeInvalid';
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
  message: `Invalid value: ${JSON.stringify(value)}${text === '' ? '' : `: ${text}`}`,
});

export const duplicate = (field: string, value: unknown, text = ''): FieldProblem => ({
  field,
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${JSON.stringify(value)}${text === '' ? '' : `: ${text}`}`,
});

export const fieldForbidden = (field: string, text: string): FieldProblem => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${text}`,
});

export const unsupported = (field: string, value: unknown, allowed: readonly string[]): FieldProblem => ({
  field,
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed.map((one) => JSON.stringify(one)).join(', ')}`,
});

/** 422 of an options object, such as ListOptions: the parameters of a request, not its body. */
export const invalidOptions = (kind: string, ...problems: FieldProblem[]): StatusError =>
  invalidObject({ plural: '', group: 'meta.k8s.io', kind }, '', problems);

/** 422 for one or more problems. */
export function invalidObject(named: Named, name: string, problems: readonly FieldProblem[]): StatusError {
  // A text that two checks give stands once, its cause twice (recorded: merge-patch-uid-422).
  const texts = [...new Set(problems.map((problem) => `${problem.field}: ${problem.message}`))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const causes = problems.map(({ reason, message, field }) => ({ reason, message, field }));
  return new StatusError(422, 'Invalid', `${dotted(named.kind, named.group)} "${name}" is invalid: ${list}`, {
    ...detailsOf(named, name, named.kind),
    causes,
  });
}
