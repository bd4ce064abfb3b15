/** The facts of the HTTP request that the current call answers. The world has to import `witapi:host/request@0.1.0`. */
export declare const request: {
  /** The `x-request-id` of the request, or one that the host made. It stands in every line of the host's log. */
  readonly id: string;
  /** In upper case, such as `GET`. */
  readonly method: string;
  /** The pattern that matched, such as `/notes/{id}`, with the mount point. */
  readonly route: string;
  /** Path and query as the client sent them. */
  readonly target: string;
  /** Names in lower case, and values, in the order received. */
  readonly headers: [name: string, value: string][];
  /** The first header of that name, or null; the name's case does not matter. */
  header(name: string): string | null;
  /** Address and port of the client's end of the connection. */
  readonly peer: string;
};
