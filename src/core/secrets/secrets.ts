import { AppError } from "../../contract/errors.ts";
import { bindingsOf } from "../../contract/expressions.ts";
import type { SecretSpec } from "../../contract/secrets.ts";
import type { Clock } from "../ports/clock.ts";
import type { Vault } from "../ports/vault.ts";
import { type SecretRecord, type SecretStore, workspaceSecret } from "./ports.ts";

const TRIES = 20;

interface Named {
  readonly workspace: string;
  readonly name: string;
  readonly actor: string;
}

/** Makes a secret or gives it another value, which goes to the vault first. */
export async function putSecret(
  deps: { readonly secrets: SecretStore; readonly vault: Vault; readonly clock: Clock },
  { workspace, name, actor, spec }: Named & { readonly spec: SecretSpec },
): Promise<SecretRecord> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await deps.secrets.get(workspace, name);
    await deps.vault.put(workspaceSecret(workspace, name), spec.value);
    const updatedAt = new Date(deps.clock.now()).toISOString();
    const description = spec.description ?? before?.description;
    const record: SecretRecord = {
      workspace,
      name,
      ...(description === undefined ? {} : { description }),
      createdAt: before?.createdAt ?? updatedAt,
      createdBy: before?.createdBy ?? actor,
      updatedAt,
      updatedBy: actor,
      rev: (before?.rev ?? 0) + 1,
    };
    if (await deps.secrets.put(record, before?.rev ?? 0)) return record;
  }
  throw new AppError("Unavailable", `secret \`${name}\` could not be changed: too many writers at once`);
}

/** Jobs that name it and have not started yet will fail. */
export async function deleteSecret(
  deps: { readonly secrets: SecretStore; readonly vault: Vault },
  { workspace, name, actor }: Named,
): Promise<void> {
  const record = await deps.secrets.get(workspace, name);
  if (record === undefined) throw absent(workspace, name);
  if (!(await deps.secrets.delete(record, actor))) {
    throw new AppError("Conflict", `secret \`${name}\` was changed meanwhile`, { hint: "look at it and try again" });
  }
  await deps.vault.delete(workspaceSecret(workspace, name));
}

/** Throws NotFound for a secret that variables of a job name and the workspace has not. */
export async function mustHaveSecrets(
  { secrets }: { readonly secrets: SecretStore },
  workspace: string,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  for (const name of secretsNamed(variables)) {
    if ((await secrets.get(workspace, name)) === undefined) throw absent(workspace, name);
  }
}

/** Values, by name, of the secrets that variables of a job name. Throws NotFound for one that is not there. */
export async function readSecrets(
  { vault }: { readonly vault: Vault },
  workspace: string,
  variables: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const values: Record<string, string> = {};
  for (const name of secretsNamed(variables)) {
    const value = await vault.get(workspaceSecret(workspace, name));
    if (value === undefined) throw absent(workspace, name);
    values[name] = value;
  }
  return values;
}

/** Names in `${{secrets.NAME}}`. */
export function secretsNamed(variables: Readonly<Record<string, string>>): readonly string[] {
  const found = Object.values(variables).flatMap((text) =>
    bindingsOf(text).flatMap(({ path: [space, ...rest] }) => (space === "secrets" ? [rest.join(".")] : [])),
  );
  return [...new Set(found)];
}

function absent(workspace: string, name: string): AppError {
  return new AppError("NotFound", `workspace \`${workspace}\` has no secret \`${name}\``, {
    hint: `\`yard secret set --name ${name}\` makes it; \`yard secret list\` shows those there are`,
  });
}
