import type { Access, Method } from "../contract/route.ts";
import type { IamCaller } from "../core/access/iam.ts";
import type { Principal } from "../core/auth/principal.ts";
import type { Reply } from "./reply.ts";

/** What the API asks of a request: a fetch Request has it, and so has what a home makes with less work. */
export interface ApiRequest {
  /** Set only by a home behind a gateway that has checked the request's AWS signature; nothing a client sends can set it. */
  readonly iam?: IamCaller;
  readonly method: string;
  readonly url: string | URL;
  readonly headers: Pick<Headers, "get">;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  readonly body: ReadableStream<Uint8Array> | null;
  /** The whole body, where the home has it without a stream; undefined when it is more than `limit` bytes. Instead of `body`, once. */
  readonly readAll?: (limit: number) => Promise<Uint8Array | undefined>;
}

/** What a handler gets of one request. */
export interface Call {
  readonly request: ApiRequest;
  readonly url: URL;
  /** Decoded placeholders of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** The workspace of the address: `{workspace}` of the path, or of the `/w/WORKSPACE` prefix (`default` at the bare root). */
  readonly workspace: string;
  /** Throws Unauthenticated on open routes that were called without a token. */
  readonly principal: Principal;
  readonly requestId: string;
}

/**
 * A route as the matcher knows it. Placeholders: `{name}` one segment, `{name+}` the rest of the path.
 * `base: "workspace"` routes answer under `/w/WORKSPACE` and, for `default`, at the bare root.
 */
export interface RawRoute {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly base: "root" | "workspace";
  readonly access: Access;
  handle(call: Call): Promise<Reply> | Reply;
  /** How this family words its errors; default problem+json. */
  readonly onError?: (error: unknown, requestId: string) => Response;
}
