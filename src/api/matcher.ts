import { AppError } from "../contract/errors.ts";
import type { Method } from "../contract/route.ts";
import type { RawRoute } from "./raw-route.ts";

interface Node {
  readonly literal: Map<string, Node>;
  parameter?: Node;
  readonly routes: Map<Method, { route: RawRoute; names: readonly string[] }>;
  readonly rest: Map<Method, { route: RawRoute; names: readonly string[] }>;
}

export interface Match {
  readonly route: RawRoute;
  readonly params: Readonly<Record<string, string>>;
}

function makeNode(): Node {
  return { literal: new Map(), routes: new Map(), rest: new Map() };
}

/** Finds a route by method and path. Literal segments win over placeholders, placeholders over the rest of a path. */
export function makeMatcher(routes: readonly RawRoute[]) {
  const roots = { root: makeNode(), workspace: makeNode() };
  for (const route of routes) add(roots[route.base], route);

  return {
    /** Undefined when no route has the path; throws MethodNotAllowed when one has it under another method. */
    match(base: "root" | "workspace", method: string, path: string): Match | undefined {
      const segments = decode(path);
      const found = walk(roots[base], segments, 0, []);
      if (found === undefined) return undefined;
      const table = found.node;
      const hit = table.get(method as Method) ?? (method === "HEAD" ? table.get("GET") : undefined);
      if (hit === undefined) {
        const allowed = [...table.keys()].join(", ");
        throw new AppError("MethodNotAllowed", `\`${method}\` is not answered at \`${path}\`; allowed: ${allowed}`, {
          allow: allowed,
        });
      }
      const params: Record<string, string> = {};
      for (const [i, name] of hit.names.entries()) params[name] = found.values[i] ?? "";
      return { route: hit.route, params };
    },
  };
}

function add(root: Node, route: RawRoute): void {
  const names: string[] = [];
  let node = root;
  for (const part of route.path.split("/").slice(1)) {
    const placeholder = /^\{(\w+)(\+?)\}$/.exec(part);
    if (placeholder === null) {
      let next = node.literal.get(part);
      if (next === undefined) {
        next = makeNode();
        node.literal.set(part, next);
      }
      node = next;
      continue;
    }
    names.push(placeholder[1] ?? "");
    if (placeholder[2] === "+") {
      put(node.rest, route, names);
      return;
    }
    node.parameter ??= makeNode();
    node = node.parameter;
  }
  put(node.routes, route, names);
}

function put(table: Node["routes"], route: RawRoute, names: readonly string[]): void {
  const other = table.get(route.method);
  if (other !== undefined)
    throw new Error(`routes ${other.route.id} and ${route.id} share ${route.method} ${route.path}`);
  table.set(route.method, { route, names });
}

function walk(
  node: Node,
  segments: readonly string[],
  at: number,
  values: readonly string[],
): { node: Node["routes"]; values: readonly string[] } | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.routes.size > 0 ? { node: node.routes, values } : undefined;
  const literal = node.literal.get(segment);
  const found = literal === undefined ? undefined : walk(literal, segments, at + 1, values);
  if (found !== undefined) return found;
  if (node.parameter !== undefined && segment !== "") {
    const below = walk(node.parameter, segments, at + 1, [...values, segment]);
    if (below !== undefined) return below;
  }
  if (node.rest.size > 0) return { node: node.rest, values: [...values, segments.slice(at).join("/")] };
  return undefined;
}

/** Each segment is decoded once and stays one segment, whatever it decodes to. */
function decode(path: string): readonly string[] {
  return path
    .split("/")
    .slice(1)
    .map((segment) => {
      if (!segment.includes("%")) return segment;
      try {
        return decodeURIComponent(segment);
      } catch (cause) {
        throw new AppError(
          "InvalidPath",
          `the address holds \`${segment}\`, which is not valid percent-encoding`,
          {},
          { cause },
        );
      }
    });
}
