/**
 * Objects with mistakes, and what a real API server 1.34.4 said to each (mistakes.json, recorded). Lengths are told in
 * characters or, since 1.36, in bytes.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Case } from '../contract.ts';
import type { JsonMap } from '../target.ts';

interface Mistake {
  readonly mistake: string;
  /** With NAMESPACE where the namespace stands. */
  readonly path: string;
  readonly object: JsonMap;
  readonly status: number;
  readonly reason?: string;
  readonly message: string;
}

const MISTAKES = JSON.parse(readFileSync(new URL('mistakes.json', import.meta.url), 'utf8')) as Mistake[];

const worded = (message: string): string => message.replaceAll(/(more than \d+) (?:bytes|characters)/g, '$1 bytes');

/** `Deployment` of `/apis/apps/v1/namespaces/NAMESPACE/deployments`, to tell the cases apart. */
const KINDS = [...new Set(MISTAKES.map(({ object }) => String(object.kind)))];

export const OBJECTS_WITH_MISTAKES: readonly Case[] = KINDS.map((kind) => ({
  name: `mistakes in a ${kind} are refused in the words of Kubernetes`,
  run: async (t) => {
    for (const { mistake, path, object, status, reason, message } of MISTAKES) {
      if (object.kind !== kind) continue;
      const answer = await t.target.call('POST', path.replace('NAMESPACE', t.namespace), object);
      const said = worded(String(answer.body.message)).replaceAll(t.namespace, 'NAMESPACE');
      assert.deepEqual([mistake, answer.status, answer.body.reason, said], [mistake, status, reason, worded(message)]);
    }
  },
}));
