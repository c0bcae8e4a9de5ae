/** The recorded exchanges with a real API server as they stand in test/fixtures/recorded-api (its README has the format). */
import { readFileSync } from 'node:fs';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface StreamLine {
  /** Seconds since the request. */
  readonly t: number;
  readonly line: unknown;
}

export interface RecordedResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  readonly stream?: readonly StreamLine[];
  /** Seconds since the request after which the server closed the body. */
  readonly endedAt?: number;
}

export interface Exchange {
  readonly name: string;
  readonly note?: string;
  readonly kind?: undefined;
  readonly request: RecordedRequest;
  readonly response: RecordedResponse;
}

export interface SequenceStep {
  /** Seconds since the watches began. */
  readonly t: number;
  readonly note?: string;
  readonly request?: RecordedRequest;
  readonly response?: RecordedResponse;
}

export interface SequenceEvent {
  readonly t: number;
  readonly watch: string;
  readonly type: string;
  readonly object: RecordedObject;
}

export interface RecordedObject {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface Sequence {
  readonly name: string;
  readonly note?: string;
  readonly kind: 'sequence';
  readonly watches: Readonly<Record<string, string>>;
  readonly steps: readonly SequenceStep[];
  readonly events: readonly SequenceEvent[];
  readonly placement?: Readonly<Record<string, unknown>>;
  readonly eventsOfPod?: readonly Readonly<Record<string, unknown>>[];
  readonly eventsOfPendingPods?: readonly Readonly<Record<string, unknown>>[];
}

export interface KubectlRequest extends RecordedRequest {
  readonly t: number;
  readonly status: number;
}

export interface KubectlSession {
  readonly name: string;
  readonly note?: string;
  readonly kind: 'kubectl';
  readonly command: string;
  readonly stdin?: string;
  readonly requests: readonly KubectlRequest[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export type Entry = Exchange | Sequence | KubectlSession;

/** All entries of a file, in the order in which they were recorded. */
export function entriesOf(file: string): Entry[] {
  const url = new URL(`../../../fixtures/recorded-api/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Entry[];
}
