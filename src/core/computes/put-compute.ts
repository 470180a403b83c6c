import type { Compute, ComputeSpec } from "../../contract/computes.ts";
import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Vault } from "../ports/vault.ts";
import type { Precondition } from "../records/revision.ts";
import { machineFor } from "./cluster.ts";
import type { ComputeStore } from "./ports.ts";
import { type ComputeRecord, credentialsName, LOCAL_COMPUTE } from "./record.ts";
import { revisedCompute, type ShowComputeDeps, showCompute } from "./show-compute.ts";

export interface PutComputeDeps extends ShowComputeDeps {
  readonly computes: ComputeStore;
  readonly vault: Vault;
  readonly clock: Clock;
  /** Compute types this home has machines for. */
  readonly launches: readonly string[];
}

const TRIES = 20;

/** Makes or changes a compute. Credentials go to the vault before the record names them; a change without any keeps those there are. */
export async function putCompute(
  deps: PutComputeDeps,
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly spec: ComputeSpec;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<{ readonly compute: Compute; readonly record: ComputeRecord }> {
  const { workspace, name, actor } = input;
  checkKind(deps, name, input.spec);
  const { spec, credentials } = split(input.spec);
  for (let i = 0; i < TRIES; i++) {
    const before = await deps.computes.get(workspace, name);
    input.precondition?.(before === undefined ? undefined : revisedCompute(before));
    if (before !== undefined && before.rev > 0 && before.spec.type !== spec.type) {
      throw new AppError("Conflict", `compute \`${name}\` is of type \`${before.spec.type}\``, {
        hint: "delete it first, or use another name",
      });
    }
    if (credentials !== undefined) await deps.vault.put(credentialsName(workspace, name), JSON.stringify(credentials));
    const rev = before?.rev ?? 0;
    const record: ComputeRecord = {
      workspace,
      name,
      spec,
      hasCredentials: credentials !== undefined || (before?.hasCredentials ?? false),
      createdMs: before === undefined || rev === 0 ? deps.clock.now() : before.createdMs,
      createdBy: before === undefined || rev === 0 ? actor : before.createdBy,
      rev: rev + 1,
    };
    const action = rev === 0 ? "create" : "update";
    const summary = `compute \`${name}\` of type \`${spec.type}\` ${rev === 0 ? "made" : "changed"}`;
    if (await deps.computes.put(record, rev, { actor, action, summary })) {
      return { compute: await showCompute(deps, record), record };
    }
  }
  throw new AppError("Unavailable", `compute \`${name}\` could not be changed: too many writers at once`);
}

function checkKind(deps: PutComputeDeps, name: string, spec: ComputeSpec): void {
  const isAws = deps.launches.includes("cluster");
  if (isAws && !deps.launches.includes(spec.type)) {
    throw new AppError("NotSupported", `compute \`${name}\`: this home has no machines of type \`${spec.type}\``, {
      hint: "it makes computes of type `cluster`; machines over SSH are attached to a laptop home",
    });
  }
  if (!deps.launches.includes(spec.type)) {
    throw new AppError("NotSupported", `compute \`${name}\`: type \`${spec.type}\` needs machines of an AWS home`, {
      hint: "on a laptop there are `local` and `attached` computes; jobs that name another one run on `local`",
    });
  }
  if ((name === LOCAL_COMPUTE) !== (spec.type === "local")) {
    throw new AppError(
      "InvalidArgument",
      "the compute `local` and the type `local` belong together: it is this machine",
      {
        hint: "give a compute of another type another name",
      },
    );
  }
  if (spec.type === "cluster") machineFor(spec.size);
  if (spec.type === "attached" && !/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(spec.host_key)) {
    throw new AppError(
      "InvalidArgument",
      `compute \`${name}\`: \`host_key\` is not a fingerprint of the form \`SHA256:…\``,
      {
        hint: "`ssh-keyscan HOST | ssh-keygen -lf -` prints it; compare it with what the machine's owner says",
      },
    );
  }
}

function split(spec: ComputeSpec): { readonly spec: ComputeSpec; readonly credentials?: object } {
  if (spec.type !== "attached" || spec.credentials === undefined) return { spec };
  const { credentials, ...rest } = spec;
  return { spec: rest, credentials };
}
