import type { Access, Method } from "../contract/route.ts";
import type { Principal } from "../core/auth/principal.ts";

/** What a handler gets of one request. */
export interface Call {
  readonly request: Request;
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
  handle(call: Call): Promise<Response> | Response;
  /** How this family words its errors; default problem+json. */
  readonly onError?: (error: unknown, requestId: string) => Response;
}
