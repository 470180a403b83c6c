/** Text, or its UTF-8 form. */
type Piece = string | Uint8Array<ArrayBuffer>;

/** A JSON answer that is whole in memory: a home sends it without the machinery of a fetch Response. */
export class JsonReply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Map<string, string>;
  /** The text, or its pieces in order: a long text need never be joined. */
  readonly body: string | readonly Piece[];

  constructor(
    body: string | readonly Piece[],
    options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    this.body = body;
    this.status = options.status ?? 200;
    this.headers = new Map([
      ["content-type", "application/json"],
      ["cache-control", "no-store"],
    ]);
    if (options.headers !== undefined) {
      for (const name of Object.keys(options.headers)) this.headers.set(name, options.headers[name] ?? "");
    }
  }
}

export type Reply = Response | JsonReply;

/** NOTE: asked without naming the class, which loads a fetch implementation: 40 ms of a function's cold start. */
export function isResponse(value: unknown): value is Response {
  return typeof (value as Response | undefined)?.arrayBuffer === "function";
}

/** The same as a fetch Response. */
export function toResponse(reply: Reply): Response {
  if (isResponse(reply)) return reply;
  const { body, status, headers } = reply;
  return new Response(typeof body === "string" ? body : new Blob([...body]), { status, headers: [...headers] });
}
