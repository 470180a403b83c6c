import { wrong } from "./complain.ts";
import { type SpecNode, shorten } from "./nodes.ts";
import { kindOfPath, resolvePath, shownPath } from "./paths.ts";
import { hasPlaceholder, parseRef } from "./refs.ts";
import type { CheckContext, PathType, RefType } from "./schema.ts";

const PLURALS: Readonly<Record<string, string>> = { data: "data" };
const pluralOf = (kind: string) => PLURALS[kind] ?? `${kind}s`;

export function checkRef(type: RefType, node: SpecNode, path: string, ctx: CheckContext): string | undefined {
  const text = refText(type, node, path, ctx);
  if (text === undefined || hasPlaceholder(text) || type.words?.includes(text.toLowerCase())) return text;
  const article = /^[aeiou]/.test(type.kind) ? "an" : "a";
  const parsed = parseRef(text);
  switch (parsed.form) {
    case "invalid":
      ctx.findings.error(node, path, `\`${shorten(text)}\` ${parsed.reason}`, parsed.hint);
      return undefined;
    case "asset":
      if (type.versioned && parsed.version === undefined && parsed.label === undefined) {
        const hint = `write \`${text}@latest\` or \`${text}:VERSION\``;
        if (type.versioned === "lax")
          ctx.findings.warn(node, path, `\`${text}\` has no version, so the latest is taken`, hint);
        else ctx.findings.error(node, path, `\`${text}\` has no version`, hint);
        return type.versioned === "lax" ? text : undefined;
      }
      return text;
    case "registry":
    case "workspace":
      if (![type.kind, ...(type.also ?? [])].some((kind) => parsed.kind === pluralOf(kind))) {
        ctx.findings.error(
          node,
          path,
          `\`${shorten(text)}\` names \`${parsed.kind}\`, where ${article} ${type.kind} is expected`,
        );
        return undefined;
      }
      return text;
    case "local":
      return checkLocalRef(type, parsed.path, text, node, path, ctx);
    default:
      if (type.uri) return text;
      ctx.findings.error(
        node,
        path,
        `\`${shorten(text)}\` is no reference to ${article} ${type.kind}`,
        howToRefer(type),
      );
      return undefined;
  }
}

function refText(type: RefType, node: SpecNode, path: string, ctx: CheckContext): string | undefined {
  if (node.form === "scalar" && node.kind === "str" && node.text !== "") return node.text.trim();
  return wrong(
    node,
    path,
    ctx,
    `a reference to ${/^[aeiou]/.test(type.kind) ? "an" : "a"} ${type.kind}`,
    howToRefer(type),
  );
}

function howToRefer(type: RefType): string {
  return type.versioned ? "write `azureml:NAME:VERSION` or `azureml:NAME@latest`" : "write `azureml:NAME`";
}

function checkLocalRef(
  type: RefType,
  local: string,
  text: string,
  node: SpecNode,
  path: string,
  ctx: CheckContext,
): string | undefined {
  if (type.local === undefined) {
    if (type.bare) return text;
    const hint = /^[\w.-]+(?:[@:][\w.-]+)?$/.test(text)
      ? `write \`azureml:${text}${/[@:]/.test(text) || !type.versioned ? "" : "@latest"}\``
      : howToRefer(type);
    ctx.findings.error(
      node,
      path,
      `\`${shorten(text)}\` is no reference to ${/^[aeiou]/.test(type.kind) ? "an" : "a"} ${type.kind}`,
      hint,
    );
    return undefined;
  }
  if (type.bare && kindOfPath(ctx.reader, resolvePath(ctx.dir, local)) === "absent" && !/[/\\]|\.ya?ml$/.test(local))
    return text;
  reportMissing({ t: "path", want: type.local, missing: type.absent ?? "error" }, local, node, path, ctx);
  return text;
}

export function checkPath(type: PathType, node: SpecNode, path: string, ctx: CheckContext): string | undefined {
  if (node.form !== "scalar" || node.kind === "null" || node.text === "") return wrong(node, path, ctx, "a path");
  if (node.kind !== "str" && node.kind !== "date")
    return wrong(node, path, ctx, "a path", `put it in quotes: \`"${node.text}"\``);
  const text = node.text.trim();
  if (hasPlaceholder(text)) return text;
  const parsed = parseRef(text);
  if (parsed.form === "invalid") {
    ctx.findings.error(node, path, `\`${shorten(text)}\` ${parsed.reason}`, parsed.hint);
    return undefined;
  }
  if (parsed.form !== "local") {
    if (type.remote) return text;
    return wrong(node, path, ctx, "a local path");
  }
  reportMissing(type, parsed.path, node, path, ctx);
  return text;
}

/** Looks a local path up, relative to the file that names it. */
function reportMissing(type: PathType, local: string, node: SpecNode, path: string, ctx: CheckContext): void {
  if (!ctx.files || type.missing === "ignore" || local.includes("${{")) return;
  const resolved = resolvePath(ctx.dir, local);
  const found = kindOfPath(ctx.reader, resolved);
  const shown = shownPath(ctx.reader, resolved);
  const noun = type.noun ?? (type.want === "dir" ? "directory" : type.want === "file" ? "file" : "file or directory");
  const say = type.missing === "error" ? ctx.findings.error.bind(ctx.findings) : ctx.findings.warn.bind(ctx.findings);
  if (found === "absent")
    say(node, path, `${noun} not found: \`${shown}\``, "a path is relative to the file that names it");
  else if (type.want !== "any" && found !== type.want)
    say(node, path, `\`${shown}\` is a ${found === "dir" ? "directory" : "file"}, not a ${noun}`);
}
