import { type DatastoreSpec, DEFAULT_DATASTORE } from "../../contract/datastores.ts";
import { AppError } from "../../contract/errors.ts";
import { cleanPath } from "../files/paths.ts";
import type { Clock } from "../ports/clock.ts";
import type { Vault } from "../ports/vault.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import type { Precondition } from "../records/revision.ts";
import { type DatastoreRecord, type DatastoreStore, datastoreSecret } from "./ports.ts";

const TRIES = 20;

/**
 * Makes or changes a datastore; credentials go to the vault first. Left out, those that are there stay only while nothing else of the settings
 * changes: a new address must not get the old one's secret.
 */
export async function putDatastore(
  deps: {
    readonly datastores: DatastoreStore;
    readonly vault: Vault;
    readonly clock: Clock;
    readonly allowLocal: boolean;
  },
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly spec: DatastoreSpec;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<{ readonly record: DatastoreRecord; readonly made: boolean }> {
  const { workspace, name, spec } = input;
  checkSpec(deps, name, spec);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await deps.datastores.get(workspace, name);
    input.precondition?.(before);
    const { record, credentials } = recordOf(deps, input, before);
    if (before !== undefined && credentials === undefined && isSame(before, record))
      return { record: before, made: false };
    const secret = datastoreSecret(workspace, name);
    if (credentials !== undefined) await deps.vault.put(secret, JSON.stringify(credentials));
    if (await deps.datastores.put(record, before?.rev ?? 0, input.actor)) {
      if (!record.hasCredentials && before?.hasCredentials === true) await deps.vault.delete(secret);
      return { record, made: before === undefined };
    }
  }
  throw new AppError("Unavailable", `datastore \`${name}\` could not be changed: too many writers at once`);
}

function checkSpec(deps: { readonly allowLocal: boolean }, name: string, spec: DatastoreSpec): void {
  if (spec.type === "local" && !deps.allowLocal) {
    throw new AppError("NotSupported", `datastore \`${name}\`: a folder of a machine needs a laptop home`);
  }
  if (spec.type === "local" && !/^(\/|[A-Za-z]:[\\/])/.test(spec.path)) {
    throw new AppError("InvalidArgument", `datastore \`${name}\`: \`path\` must be absolute, not \`${spec.path}\``);
  }
  if (spec.type === "workspace") cleanPath(spec.prefix ?? "");
  if (spec.type === "s3") cleanPath(spec.prefix ?? "");
  if (spec.type === "http" && /^https?:\/\/[^/]*@/i.test(spec.base_url)) {
    throw new AppError("InvalidArgument", `datastore \`${name}\`: \`base_url\` holds a password`, {
      hint: "give it as `credentials`, which go to the vault",
    });
  }
  if (spec.type === "sftp" && !/^SHA256:[A-Za-z0-9+/]{43}$/.test(spec.host_key)) {
    throw new AppError("InvalidArgument", `datastore \`${name}\`: \`host_key\` is not a SHA256 fingerprint`, {
      hint: "`ssh-keyscan HOST | ssh-keygen -lf -` prints it: SHA256: and 43 characters",
    });
  }
  if (name === DEFAULT_DATASTORE && (spec.type !== "workspace" || spec.prefix !== undefined)) {
    throw new AppError(
      "Conflict",
      `\`${DEFAULT_DATASTORE}\` is the workspace's own storage; only its words can change`,
    );
  }
}

function recordOf(
  deps: { readonly clock: Clock },
  input: { readonly workspace: string; readonly name: string; readonly spec: DatastoreSpec; readonly actor: string },
  before: DatastoreRecord | undefined,
): { readonly record: DatastoreRecord; readonly credentials: Readonly<Record<string, string>> | undefined } {
  const { type, description, tags, ...rest } = input.spec;
  const { credentials: given, ...own } = rest as typeof rest & {
    credentials?: Record<string, string | undefined>;
  };
  // Azure's kinds hold theirs in one field, as their YAML has too many forms to tell apart.
  const settings = "settings" in own ? (own.settings as Readonly<Record<string, unknown>>) : own;
  const entries = Object.entries(given ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const credentials = entries.length === 0 ? undefined : Object.fromEntries(entries);
  const keeps =
    before !== undefined && before.type === type && canonicalJson(before.settings) === canonicalJson(settings);
  const record: DatastoreRecord = {
    workspace: input.workspace,
    name: input.name,
    type,
    ...(description === undefined ? {} : { description }),
    tags: tags ?? {},
    settings,
    hasCredentials: credentials !== undefined || (keeps && before.hasCredentials),
    createdAt: before?.createdAt ?? new Date(deps.clock.now()).toISOString(),
    createdBy: before?.createdBy ?? input.actor,
    rev: (before?.rev ?? 0) + 1,
  };
  return { record, credentials };
}

function isSame(a: DatastoreRecord, b: DatastoreRecord): boolean {
  const bare = ({ rev: _, ...rest }: DatastoreRecord) => canonicalJson(rest);
  return bare(a) === bare(b);
}
