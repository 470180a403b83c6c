import { nounOf, placeAt, type SpecNode } from "./nodes.ts";
import type { CheckContext } from "./schema.ts";

export function join(path: string, key: string): string {
  if (path === "") return key;
  return `${path}.${key}`;
}

/** "`x` must be ..., not ...". Answers undefined, to be returned. */
export function wrong(node: SpecNode, path: string, ctx: CheckContext, expected: string, hint?: string): undefined {
  const name = path === "" ? "the file" : `\`${lastName(path)}\``;
  ctx.findings.error(node, path, `${name} must be ${expected}, not ${nounOf(node)}`, hint);
  return undefined;
}

export function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

export function missingField(name: string, path: string, node: SpecNode, ctx: CheckContext, hint?: string): void {
  const at = node.form === "map" && path !== name ? placeAt(node.src, node.start) : node;
  ctx.findings.error(at, path, `missing required field \`${name}\``, hint);
}
