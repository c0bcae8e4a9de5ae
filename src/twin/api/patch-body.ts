/** The body of a patch: its type, and a value after it. */
import { contentType } from './decode.ts';
import { isMap, type JsonMap } from './json.ts';
import { jsonPatch, mergePatch } from './patch-merge.ts';
import { strategicMerge } from './patch-strategic.ts';
import type { ServerRequest } from './server.ts';
import { badRequest, StatusError } from './status.ts';

const PATCH_TYPES = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
} as const;

export type PatchType = (typeof PATCH_TYPES)[keyof typeof PATCH_TYPES];

/** 422 without name and kind: the patched object could not be decoded (recorded). */
export function invalidPatch(object: JsonMap, why: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${why}`;
  return new StatusError(422, 'Invalid', ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
  });
}

/** @throws StatusError 400 when it is no JSON */
export function patchIn(request: ServerRequest): unknown {
  try {
    return JSON.parse(request.body ?? '');
  } catch {
    throw badRequest('error decoding patch: unexpected end of JSON input');
  }
}

/** A value after a patch that is not an apply. */
export function patched(current: object, patch: unknown, type: 'json' | 'merge' | 'strategic'): unknown {
  if (type === 'json') return jsonPatch(current, patch);
  if (!isMap(patch)) throw badRequest('error decoding patch: json: cannot unmarshal into an object');
  return type === 'merge' ? mergePatch(current, patch) : strategicMerge(current as JsonMap, patch);
}

/** The type of a patch; undefined for a body that is none. */
export function patchTypeOf(request: ServerRequest): PatchType | undefined {
  return PATCH_TYPES[contentType(request) as keyof typeof PATCH_TYPES];
}
