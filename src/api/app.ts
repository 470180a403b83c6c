import { AppError, isAppError } from "../contract/errors.ts";
import { DEFAULT_WORKSPACE } from "../contract/workspaces.ts";
import { allows } from "../core/auth/allow.ts";
import type { Principal } from "../core/auth/principal.ts";
import { makeMatcher } from "./matcher.ts";
import { problemResponse } from "./problem.ts";
import type { ApiRequest, Call, RawRoute } from "./raw-route.ts";
import type { Reply } from "./reply.ts";
import { withoutQuery } from "./target.ts";

export interface AppDeps {
  readonly routes: readonly RawRoute[];
  /** The caller behind the request's credentials; undefined without any; throws Unauthenticated for bad ones. */
  readonly authenticate: (request: ApiRequest) => Promise<Principal | undefined>;
  /** False answers NotFound to everything inside a workspace. Absent: routes find out themselves. */
  readonly hasWorkspace?: (name: string) => Promise<boolean>;
  readonly requestId: () => string;
  /** Told of each failure that is not the caller's. */
  readonly onFault: (error: unknown, about: { readonly requestId: string; readonly route: string }) => void;
}

/** The whole API as a function: match, authenticate, authorize, handle, word errors. It never throws. */
export function makeApp(deps: AppDeps): (request: ApiRequest) => Promise<Reply> {
  const matcher = makeMatcher(deps.routes);

  return async (request) => {
    const requestId = deps.requestId();
    let route: RawRoute | undefined;
    try {
      const url = typeof request.url === "string" ? new URL(request.url) : request.url;
      const { base, workspace, path } = place(url.pathname);
      const find = (at: string) =>
        matcher.match(base, request.method, at) ??
        (base === "root" ? matcher.match("workspace", request.method, at) : undefined);
      // Clients join an address that ends in a slash with a path that begins with one.
      const match = find(path) ?? (path.includes("//") ? find(path.replace(/\/{2,}/g, "/")) : undefined);
      if (match === undefined) {
        // Strangers learn nothing of which addresses exist.
        await mustKnow(deps, request);
        throw new AppError("NotFound", `there is nothing at \`${url.pathname}\``, {
          hint: "GET /api/v1/openapi.json lists the addresses",
        });
      }
      route = match.route;
      const inPath = match.params.workspace ?? (route.base === "workspace" ? workspace : undefined);
      const principal = await authorize(deps, route, request, inPath);
      if (inPath !== undefined && principal !== undefined) await mustHaveWorkspace(deps, route, inPath);
      const call: Call = {
        request,
        url,
        params: match.params,
        workspace: inPath ?? DEFAULT_WORKSPACE,
        requestId,
        get principal() {
          if (principal === undefined) throw new AppError("Unauthenticated", "this address needs a token");
          return principal;
        },
      };
      const response = await route.handle(call);
      response.headers.set("x-request-id", requestId);
      response.headers.set("x-content-type-options", "nosniff");
      return response;
    } catch (error) {
      if (!isAppError(error) || error.code === "Internal")
        deps.onFault(error, { requestId, route: route?.id ?? withoutQuery(String(request.url)) });
      const response = (route?.onError ?? problemResponse)(error, requestId);
      response.headers.set("x-request-id", requestId);
      return response;
    }
  };
}

/** `/w/NAME/rest` is the workspace's own root; anything else is the home's. */
function place(pathname: string): { base: "root" | "workspace"; workspace: string; path: string } {
  const match = /^\/w\/([A-Za-z0-9][A-Za-z0-9_-]*)(\/.*)?$/.exec(pathname);
  if (match === null) return { base: "root", workspace: DEFAULT_WORKSPACE, path: pathname };
  return { base: "workspace", workspace: match[1] ?? DEFAULT_WORKSPACE, path: match[2] ?? "/" };
}

async function mustKnow(deps: AppDeps, request: ApiRequest): Promise<Principal> {
  const principal = await deps.authenticate(request);
  if (principal !== undefined) return principal;
  throw new AppError("Unauthenticated", "this address needs a token", {
    hint: "send `Authorization: Bearer TOKEN`, or the token as the password of basic authentication",
  });
}

/** The workspace's own routes make it, or word its absence themselves. */
async function mustHaveWorkspace(deps: AppDeps, route: RawRoute, workspace: string): Promise<void> {
  if (deps.hasWorkspace === undefined || route.id.startsWith("workspaces.")) return;
  if (await deps.hasWorkspace(workspace)) return;
  throw new AppError("NotFound", `there is no workspace \`${workspace}\``, {
    hint: "`yard workspace list` shows those there are; `yard workspace create` makes one",
  });
}

async function authorize(
  deps: AppDeps,
  route: RawRoute,
  request: ApiRequest,
  workspace: string | undefined,
): Promise<Principal | undefined> {
  if (route.access === "open") return undefined;
  if (route.access === "iam" && request.iam !== undefined) return undefined;
  const principal = await mustKnow(deps, request);
  if (route.access === "iam") {
    throw new AppError("Forbidden", "this address is for IAM users and roles of an AWS home", {
      hint: "sign the request with AWS Signature Version 4, as `yard login --iam` does",
    });
  }
  if (!allows(principal, route.access, workspace)) {
    throw new AppError(
      "Forbidden",
      `\`${principal.name}\` may not ${route.access.action} ${route.access.resource} in workspace \`${workspace ?? "*"}\``,
    );
  }
  return principal;
}
