import type { SpecNode } from "./nodes.ts";

/** What a reference can point at. Names in a URI path are plural (`models`), as Azure writes them. */
export type AssetKind =
  | "environment"
  | "component"
  | "data"
  | "model"
  | "code"
  | "compute"
  | "datastore"
  | "job"
  | "connection";

/**
 * Every form a reference takes. `version` and `label` exclude each other; both absent means the bare name
 * (`azureml:cpu-cluster`), which computes, datastores and jobs have and versioned assets do not.
 */
export type Ref =
  | { form: "asset"; name: string; version?: string; label?: string }
  | { form: "registry"; registry: string; kind: string; name: string; version?: string; label?: string }
  | {
      form: "workspace";
      kind: string;
      name: string;
      version?: string;
      label?: string;
      subscription?: string;
      group?: string;
      workspace?: string;
    }
  | { form: "datastore"; datastore: string; path: string; workspace?: string }
  | { form: "job_output"; job: string; output: string; path: string }
  | { form: "tree"; sha256: string; path: string }
  | { form: "run_artifact"; run: string; path: string }
  | { form: "model_uri"; name: string; version?: string; label?: string }
  | { form: "url"; scheme: string; url: string }
  | { form: "git"; url: string }
  | { form: "local"; path: string }
  | { form: "invalid"; reason: string; hint?: string };

const URL_SCHEMES = new Set([
  "http",
  "https",
  "wasb",
  "wasbs",
  "abfs",
  "abfss",
  "adl",
  "s3",
  "gs",
  "ftp",
  "sftp",
  "hdfs",
  "dbfs",
]);
const VERSION = /^[A-Za-z0-9._-]+$/;

/** Reads a reference as it stands in a file. Text with no scheme is a local path. */
export function parseRef(text: string): Ref {
  const value = text.trim();
  if (value === "") return { form: "invalid", reason: "is empty" };
  if (value.startsWith("azureml:")) return parseAzureml(value);
  if (value.startsWith("file:")) return { form: "local", path: fileUrlPath(value) };
  if (value.startsWith("git+") || /^(?:git@|ssh:\/\/git@|git:\/\/)/.test(value)) return { form: "git", url: value };
  if (value.startsWith("runs:/")) {
    const [run = "", ...path] = value.slice(6).replace(/^\/+/, "").split("/");
    return run === ""
      ? { form: "invalid", reason: "names no run", hint: "write `runs:/RUN_ID/path`" }
      : { form: "run_artifact", run, path: path.join("/") };
  }
  if (value.startsWith("models:/")) return parseModelUri(value);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):\/\//.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined) return { form: "local", path: value };
  if (URL_SCHEMES.has(scheme)) return { form: "url", scheme, url: value };
  return {
    form: "invalid",
    reason: `has the unknown scheme \`${scheme}\``,
    hint: "use https, s3, wasbs, abfss, azureml or a local path",
  };
}

/** Same for places where only an address makes sense: a local path or a bare asset gives undefined. */
export function parseUri(text: string): Exclude<Ref, { form: "local" | "asset" | "invalid" }> | undefined {
  const ref = parseRef(text);
  return ref.form === "local" || ref.form === "asset" || ref.form === "invalid" ? undefined : ref;
}

function fileUrlPath(value: string): string {
  const rest = value.slice(5);
  return rest.startsWith("//") ? rest.slice(2) || "/" : rest;
}

function parseModelUri(value: string): Ref {
  const body = value.slice("models:/".length).replace(/^\/+/, "");
  const at = body.lastIndexOf("@");
  if (at > 0) return { form: "model_uri", name: body.slice(0, at), label: body.slice(at + 1) };
  const [name = "", version] = body.split("/");
  if (name === "") return { form: "invalid", reason: "names no model", hint: "write `models:/NAME/VERSION`" };
  return { form: "model_uri", name, ...(version === undefined ? {} : { version }) };
}

function parseAzureml(value: string): Ref {
  if (value.startsWith("azureml://")) return parseLong(value, value.slice("azureml://".length).split("/"));
  const body = value.slice("azureml:".length);
  if (body.startsWith("/subscriptions/") || body.startsWith("/")) return parseArm(value, body.split("/").slice(1));
  return parseNameAndVersion(body, value);
}

function parseNameAndVersion(body: string, value: string): Ref {
  const at = body.indexOf("@");
  if (at >= 0) {
    const [name, label] = [body.slice(0, at), body.slice(at + 1)];
    if (name === "" || label === "")
      return { form: "invalid", reason: "lacks a name or a label", hint: "write `azureml:NAME@LABEL`" };
    if (name.includes(":"))
      return {
        form: "invalid",
        reason: "has both a version and a label",
        hint: "write `azureml:NAME:VERSION` or `azureml:NAME@LABEL`",
      };
    return { form: "asset", name, label };
  }
  // A placeholder or expression may hold a colon of its own.
  const parts = /[<{]/.test(body) ? [body] : body.split(":");
  const [name = "", version] = parts;
  if (parts.length > 2)
    return { form: "invalid", reason: `has too many \`:\` in \`${value}\``, hint: "write `azureml:NAME:VERSION`" };
  if (name === "") return { form: "invalid", reason: "names nothing", hint: "write `azureml:NAME:VERSION`" };
  if (version === undefined) return { form: "asset", name };
  if (version === "latest") return { form: "asset", name, version };
  if (!VERSION.test(version))
    return {
      form: "invalid",
      reason: `has the version \`${version}\``,
      hint: "a version is made of letters, digits, `.`, `_` and `-`",
    };
  return { form: "asset", name, version };
}

function parseLong(value: string, parts: string[]): Ref {
  const [first, second = "", third = "", ...rest] = parts;
  switch (first) {
    case "registries":
      if (second === "" || third === "" || !rest[0]) {
        return {
          form: "invalid",
          reason: "is no full registry address",
          hint: "write `azureml://registries/REGISTRY/KIND/NAME/versions/VERSION`",
        };
      }
      return { form: "registry", registry: second, kind: third, name: rest[0], ...versionOrLabel(rest.slice(1)) };
    case "datastores":
      if (second === "")
        return { form: "invalid", reason: "names no datastore", hint: "write `azureml://datastores/NAME/paths/PATH`" };
      if (third !== "" && third !== "paths") {
        return {
          form: "invalid",
          reason: `has \`${third}\` where \`paths\` belongs`,
          hint: `write \`azureml://datastores/${second}/paths/...\``,
        };
      }
      return { form: "datastore", datastore: second, path: rest.join("/") };
    case "jobs":
      if (second === "" || third !== "outputs" || !rest[0]) {
        return {
          form: "invalid",
          reason: "is no full job output address",
          hint: "write `azureml://jobs/JOB/outputs/NAME/paths/PATH`",
        };
      }
      return {
        form: "job_output",
        job: second,
        output: rest[0],
        path: rest.slice(rest[1] === "paths" ? 2 : 1).join("/"),
      };
    case "trees":
      return /^[0-9a-f]{64}$/.test(second)
        ? { form: "tree", sha256: second, path: [third, ...rest].filter((part) => part !== "").join("/") }
        : { form: "invalid", reason: "names no stored tree", hint: "write `azureml://trees/SHA256`" };
    case "locations":
    case "subscriptions":
      return parseArm(value, parts);
    default:
      return {
        form: "invalid",
        reason: `has the unknown part \`${first}\``,
        hint: "known are `azureml://datastores/`, `azureml://registries/`, `azureml://jobs/` and `azureml://subscriptions/`",
      };
  }
}

/** `subscriptions/S/resourcegroups/G/workspaces/W/...` with or without the provider part, and `locations/L/workspaces/W/...`. */
function parseArm(value: string, parts: string[]): Ref {
  const named = new Map<string, number>();
  for (const [i, part] of parts.entries()) if (!named.has(part.toLowerCase())) named.set(part.toLowerCase(), i + 1);
  const after = (key: string) => {
    const at = named.get(key);
    return at === undefined ? undefined : parts[at];
  };
  const workspaceAt = named.get("workspaces");
  if (workspaceAt === undefined)
    return {
      form: "invalid",
      reason: "is no workspace resource",
      hint: `\`${value}\` has no \`workspaces/NAME\` part`,
    };
  const workspace = parts[workspaceAt];
  const [kind = "", name = "", ...rest] = parts.slice(workspaceAt + 1);
  if (kind === "datastores" && (rest[0] === "paths" || rest.length === 0)) {
    return { form: "datastore", datastore: name, path: rest.slice(1).join("/"), ...(workspace ? { workspace } : {}) };
  }
  const [subscription, group] = [after("subscriptions"), after("resourcegroups")];
  return {
    form: "workspace",
    kind,
    name,
    ...versionOrLabel(rest),
    ...(subscription ? { subscription } : {}),
    ...(group ? { group } : {}),
    ...(workspace ? { workspace } : {}),
  };
}

function versionOrLabel(rest: readonly string[]): { version?: string; label?: string } {
  const [word, value] = rest;
  if (value === undefined || value === "") return {};
  if (word === "versions") return { version: value };
  return word === "labels" ? { label: value } : {};
}

/** `<YOUR-NAME>`: to be filled by the reader of an example. Nothing can be checked about such a text. */
export function hasPlaceholder(text: string): boolean {
  if (text.length > 10_000) return false;
  return /<[A-Za-z_][^<>]*>|\{\{[^{}]*\}\}/.test(text.replace(/\$\{\{[^}]*\}\}/g, ""));
}

const REF = /azureml:(?!\/\/(?!registries\/))[^\s"']+/g;
const URI =
  /(?:azureml:\/\/(?:datastores|jobs|subscriptions|trees)\/|(?:https?|wasbs?|abfss?|adl|s3|gs|sftp):\/\/)[^\s"']+/g;

/**
 * Every reference (`azureml:...`, registry addresses) and every data address a spec mentions, as written, each once: in values,
 * also inside commands and descriptions, and in the comment behind a value. Whole comment lines and the editor's `$schema` do not count.
 */
export function mentionsOf(root: SpecNode): { refs: string[]; uris: string[] } {
  const refs = new Set<string>();
  const uris = new Set<string>();
  const scan = (line: string) => {
    if (!line.includes(":") || /^\s*#/.test(line)) return;
    for (const [found] of line.matchAll(REF)) refs.add(found);
    for (const [found] of line.matchAll(URI)) uris.add(found);
  };
  const seen = new Set<SpecNode>();
  const visit = (node: SpecNode) => {
    if (node.form !== "scalar" && seen.has(node)) return;
    seen.add(node);
    if (node.form === "list") node.items.forEach(visit);
    else if (node.form === "map") {
      for (const [key, entry] of node.entries) if (key !== "$schema") visit(entry.node);
    } else if (node.text.includes(":")) node.text.split("\n").forEach(scan);
  };
  visit(root);
  for (const line of root.src.text.split("\n")) {
    const comment = /\S.*?\s#(.*)$/.exec(line)?.[1];
    if (comment !== undefined && !line.trimStart().startsWith("#")) scan(comment.replace(/^#+/, ""));
  }
  return { refs: [...refs], uris: [...uris] };
}
