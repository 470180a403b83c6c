import type { LoggedModelStore } from "../tracking/ports.ts";
import type { Caller } from "../tracking/runs.ts";

const TAG = "mlflow.modelVersions";

/** A logged model tells of the versions made from it, in the tag MLflow's clients read: a JSON list, the newest last. */
export async function tellLoggedModel(
  loggedModels: LoggedModelStore,
  { workspace, principal }: Caller,
  modelId: string,
  made: { readonly name: string; readonly version: string },
): Promise<void> {
  const entry = { name: made.name, version: Number(made.version) };
  await loggedModels.change(
    workspace,
    modelId,
    ({ tags }) => {
      const told = listIn(tags[TAG]);
      const isTold = told.some(({ name, version }) => name === entry.name && version === entry.version);
      return isTold ? undefined : { tags: { ...tags, [TAG]: pythonJson([...told, entry]) } };
    },
    { actor: principal.name, action: "update", summary: `registered as \`${made.name}\` version \`${made.version}\`` },
  );
}

interface Told {
  readonly name: string;
  readonly version: number;
}

/** A tag anybody may write: what is not a list counts as none. */
function listIn(text: string | undefined): readonly Told[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? (value as Told[]).filter((entry) => typeof entry?.name === "string") : [];
  } catch {
    return [];
  }
}

/** As Python's json writes it; clients compare the text. */
function pythonJson(entries: readonly Told[]): string {
  const text = entries.map(
    ({ name, version }) => `{"name": ${JSON.stringify(name)}, "version": ${JSON.stringify(version)}}`,
  );
  return `[${text.join(", ")}]`.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
