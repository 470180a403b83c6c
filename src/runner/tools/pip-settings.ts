import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** pip's own settings of this machine, files first, then PIP_* variables, later ones over earlier ones. Keys as in the files: `index-url`. */
export function pipSettings(environment: NodeJS.ProcessEnv = process.env): ReadonlyMap<string, string> {
  const home = environment.HOME ?? homedir();
  const user = environment.XDG_CONFIG_HOME ?? join(home, ".config");
  const settings = new Map<string, string>();
  const named = environment.PIP_CONFIG_FILE;
  const files =
    named === "/dev/null"
      ? []
      : [
          ...(environment.XDG_CONFIG_DIRS ?? "/etc/xdg").split(":").map((folder) => join(folder, "pip/pip.conf")),
          "/etc/pip.conf",
          join(home, ".pip/pip.conf"),
          join(user, "pip/pip.conf"),
          join(home, "Library/Application Support/pip/pip.conf"),
          ...(named === undefined ? [] : [named]),
        ];
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch {
      continue;
    }
    for (const [key, value] of readIni(text)) settings.set(key, value);
  }
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("PIP_") || value === undefined || value === "" || name === "PIP_CONFIG_FILE") continue;
    settings.set(name.slice(4).toLowerCase().replaceAll("_", "-"), value);
  }
  return settings;
}

/** `[global]`, then `[install]` over it; a value may go on in indented lines. */
function readIni(text: string): Map<string, string> {
  const sections = new Map<string, Map<string, string>>();
  let section = "";
  let key: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line) || line.trim() === "") continue;
    const head = /^\[([^\]]+)\]\s*$/.exec(line)?.[1];
    const values = sections.get(section);
    if (head !== undefined) {
      section = head.trim().toLowerCase();
      if (!sections.has(section)) sections.set(section, new Map());
      key = undefined;
    } else if (/^\s/.test(line) && key !== undefined && values !== undefined) {
      values.set(key, `${values.get(key) ?? ""} ${line.trim()}`.trim());
    } else {
      const found = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
      key = found?.[1]?.trim().toLowerCase().replaceAll("_", "-");
      if (key !== undefined) values?.set(key, (found?.[2] ?? "").trim());
    }
  }
  return new Map([...(sections.get("global") ?? []), ...(sections.get("install") ?? [])]);
}

const list = (value: string) => value.split(/\s+/).filter((part) => part !== "");

/**
 * The same settings in uv's words, since uv reads none of pip's. What the machine already says to uv wins. Certificates come from the
 * system unless pip or SSL_CERT_FILE name a bundle.
 */
export function uvVariables(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const settings = pipSettings(environment);
  const wanted: Record<string, string> = { UV_SYSTEM_CERTS: "true", UV_NO_PROGRESS: "1" };
  const index = settings.get("index-url");
  if (index !== undefined) wanted.UV_DEFAULT_INDEX = index;
  const extra = settings.get("extra-index-url");
  if (extra !== undefined) {
    wanted.UV_INDEX = list(extra).join(" ");
    // pip takes the best version of all indexes; uv would stop at the first that knows the name.
    wanted.UV_INDEX_STRATEGY = "unsafe-best-match";
  }
  const links = list(settings.get("find-links") ?? "").filter((link) => link.includes("://") || existsSync(link));
  if (links.length > 0) wanted.UV_FIND_LINKS = links.join(",");
  const trusted = settings.get("trusted-host");
  if (trusted !== undefined) wanted.UV_INSECURE_HOST = list(trusted).join(" ");
  const timeout = settings.get("timeout") ?? settings.get("default-timeout");
  if (timeout !== undefined && Number(timeout) > 0) wanted.UV_HTTP_TIMEOUT = String(Math.ceil(Number(timeout)));
  if (/^(1|true|yes|on)$/i.test(settings.get("no-index") ?? "")) wanted.UV_NO_INDEX = "1";
  const certificates = settings.get("cert");
  if (certificates !== undefined && existsSync(certificates)) wanted.SSL_CERT_FILE = certificates;
  const client = settings.get("client-cert");
  if (client !== undefined) wanted.SSL_CLIENT_CERT = client;
  const proxy = settings.get("proxy");
  if (proxy !== undefined) wanted.ALL_PROXY = proxy;
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => environment[name] === undefined));
}
