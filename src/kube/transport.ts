/** What the port needs from a connection to an API server: in process on the twin, HTTP elsewhere. */

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path without query, escaped. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** Place in the order of issued operations (see Clock.track). */
  readonly issue: number;
  /** On streams: identity of the watch (see WatchTicket.id); transports to an embedded server hand it on as `twinWatch`. */
  readonly watch?: number | undefined;
}

export interface ApiResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Transport {
  /** @throws ApiUnreachable when no answer came, or the signal's reason. */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * Opens a stream of lines. `onOpen` is called once with the status; when it is 200 `onLine` follows for every line.
   * Resolves when the stream has ended or the signal aborted; a status other than 200 resolves with that response.
   */
  stream(request: ApiRequest, onOpen: () => void, onLine: (line: string) => void): Promise<ApiResponse | undefined>;
  close(): Promise<void>;
}
