import { AppError } from "../../contract/errors.ts";
import { type Json, type Mlflow, pairsOf, recordOf, textOf } from "./rest.ts";
import type { Ends } from "./runs.ts";

const R = "/registered-models";
const V = "/model-versions";
/** On a version until its number is known to be the one in the tag; an interrupted import may leave one that has another. */
const GAP_TAG = "trainyard.import_gap";

/** Copies registered models by name; versions keep their numbers. */
export async function copyRegistry(ends: Ends): Promise<void> {
  for await (const found of ends.from.pages("GET", `${R}/search`, "registered_models", { max_results: "100" })) {
    const name = textOf(found.name);
    ends.tally.found("models");
    try {
      await copyModel(ends, name);
    } catch (error) {
      ends.tally.problem(`model \`${name}\``, error);
    }
  }
}

async function versionsOf(server: Mlflow, name: string): Promise<Json[]> {
  const quoted = name.includes("'") ? `"${name}"` : `'${name}'`;
  const versions: Json[] = [];
  const pages = server.pages("GET", `${V}/search`, "model_versions", { filter: `name=${quoted}`, max_results: "200" });
  for await (const version of pages) versions.push(version);
  return versions.sort((a, b) => Number(a.version) - Number(b.version));
}

async function copyModel(ends: Ends, name: string): Promise<void> {
  const { from, to, tally } = ends;
  const source = recordOf((await from.get(`${R}/get`, { name })).registered_model);
  const known = await to.find(`${R}/get`, { name });
  const tags = pairsOf(source.tags);
  if (known === undefined) {
    const given = Array.from(tags, ([key, value]) => ({ key, value }));
    await to.send("POST", `${R}/create`, { name, description: textOf(source.description), tags: given });
    tally.copied("models");
  }
  const before = recordOf(known === undefined ? source : known.registered_model);
  if (textOf(source.description) !== textOf(before.description))
    await to.send("PATCH", `${R}/update`, { name, description: textOf(source.description) });
  const standing = pairsOf(before.tags);
  for (const [key, value] of tags)
    if (standing.get(key) !== value) await to.send("POST", `${R}/set-tag`, { name, key, value });

  const there = new Map<string, Json>();
  for (const version of await versionsOf(to, name)) {
    const wanted = pairsOf(version.tags).get(GAP_TAG);
    const number = textOf(version.version);
    if (wanted !== undefined && wanted !== number) {
      await to.send("DELETE", `${V}/delete`, { name, version: number });
      continue;
    }
    if (wanted !== undefined) await to.send("DELETE", `${V}/delete-tag`, { name, version: number, key: GAP_TAG });
    there.set(number, version);
  }
  const versions = await versionsOf(from, name);
  tally.found("model_versions", versions.length);
  for (const version of versions) {
    try {
      await copyVersion(ends, name, version, there.get(textOf(version.version)));
    } catch (error) {
      tally.problem(`version \`${textOf(version.version)}\` of model \`${name}\``, error);
      // A later one would take the number for good.
      break;
    }
  }
  await copyAliases(ends, name, source, known === undefined ? {} : before);
  await check(ends, name, source);
}

/** Reads the model back. */
async function check({ from, to, tally }: Ends, name: string, source: Json): Promise<void> {
  const here = recordOf((await to.get(`${R}/get`, { name })).registered_model);
  const aliases = aliasesOf(here);
  for (const [alias, version] of aliasesOf(source)) if (aliases.get(alias) === version) tally.equal("aliases");
  const there = new Map((await versionsOf(to, name)).map((version) => [textOf(version.version), version]));
  for (const version of await versionsOf(from, name)) {
    const copy = there.get(textOf(version.version));
    const words = ["description", "run_id"].every((field) => textOf(copy?.[field]) === textOf(version[field]));
    const stage = (textOf(copy?.current_stage) || "None") === (textOf(version.current_stage) || "None");
    if (copy !== undefined && words && stage && holds(copy, version)) tally.equal("model_versions");
    else
      tally.differs(`version \`${textOf(version.version)}\` of model \`${name}\``, "is not the same as at the source");
  }
  if (textOf(here.description) === textOf(source.description) && holds(here, source)) tally.equal("models");
  else tally.differs(`model \`${name}\``, "is not the same as at the source");
}

function holds(copy: Json, source: Json): boolean {
  const tags = pairsOf(copy.tags);
  return [...pairsOf(source.tags)].every(([key, value]) => tags.get(key) === value);
}

function aliasesOf(model: Json): Map<string, string> {
  const list = Array.isArray(model.aliases) ? model.aliases.map(recordOf) : [];
  return new Map(list.map((it) => [textOf(it.alias), textOf(it.version)]));
}

async function copyAliases({ to, tally }: Ends, name: string, source: Json, before: Json): Promise<void> {
  const standing = aliasesOf(before);
  for (const [alias, version] of aliasesOf(source)) {
    tally.found("aliases");
    try {
      if (standing.get(alias) !== version) {
        await to.send("POST", `${R}/alias`, { name, alias, version });
        tally.copied("aliases");
      }
    } catch (error) {
      tally.problem(`alias \`${alias}\` of model \`${name}\``, error);
    }
  }
}

async function copyVersion(ends: Ends, name: string, source: Json, standing: Json | undefined): Promise<void> {
  const { to, tally } = ends;
  const version = textOf(source.version);
  const wanted = await sourceHere(ends, source);
  const tags = pairsOf(source.tags);
  let before = standing;
  if (before === undefined) {
    const fields = ["run_id", "run_link", "description"].filter((field) => textOf(source[field]) !== "");
    // MLflow tells a version's logged model by its source only.
    const modelId = /^models:\/(m-\w+)$/.exec(wanted)?.[1] ?? textOf(source.model_id);
    before = await makeVersion(
      to,
      name,
      version,
      {
        source: wanted,
        ...(modelId === "" ? {} : { model_id: modelId }),
        ...Object.fromEntries(fields.map((field) => [field, source[field]])),
      },
      Array.from(tags, ([key, value]) => ({ key, value })),
    );
    tally.copied("model_versions");
  }
  if (textOf(before.source) !== wanted || textOf(before.run_id) !== textOf(source.run_id)) {
    throw new AppError("Conflict", `the workspace has another one of this number, from \`${textOf(before.source)}\``);
  }
  const there = pairsOf(before.tags);
  for (const [key, value] of tags)
    if (there.get(key) !== value) await to.send("POST", `${V}/set-tag`, { name, version, key, value });
  if (textOf(before.description) !== textOf(source.description))
    await to.send("PATCH", `${V}/update`, { name, version, description: textOf(source.description) });
  const stage = textOf(source.current_stage) || "None";
  if ((textOf(before.current_stage) || "None") !== stage)
    await to.send("POST", `${V}/transition-stage`, { name, version, stage, archive_existing_versions: false });
}

/** Numbers count up by themselves; those that the source has given and deleted are passed over the same way. */
async function makeVersion(
  to: Mlflow,
  name: string,
  version: string,
  body: Json,
  pairs: readonly Json[],
): Promise<Json> {
  for (;;) {
    const tags = [...pairs, { key: GAP_TAG, value: version }];
    const made = recordOf((await to.send("POST", `${V}/create`, { name, ...body, tags })).model_version);
    const number = Number(made.version);
    if (number === Number(version)) {
      await to.send("DELETE", `${V}/delete-tag`, { name, version, key: GAP_TAG });
      return made;
    }
    await to.send("DELETE", `${V}/delete`, { name, version: String(number) });
    if (number > Number(version))
      throw new AppError("Conflict", `the workspace has given number \`${version}\` of \`${name}\` before`, {
        hint: "numbers are not used again: import into another workspace",
      });
  }
}

/** Where a version's files are in the workspace: an address inside a run or a logged model moves with it. */
async function sourceHere({ from, to }: Ends, version: Json): Promise<string> {
  const source = textOf(version.source);
  const runId = textOf(version.run_id);
  if (/^(models|runs):/.test(source) || runId === "") return source;
  const [there, here] = await Promise.all(
    [from, to].map(async (server) => {
      const run = await server.find("/runs/get", { run_id: runId });
      return plain(textOf(recordOf(recordOf(run?.run).info).artifact_uri));
    }),
  );
  const path = plain(source);
  return there && here && (path === there || path.startsWith(`${there}/`)) ? here + path.slice(there.length) : source;
}

function plain(uri: string): string {
  return uri.replace(/^file:(\/\/(localhost)?)?(?=\/)/, "").replace(/\/+$/, "");
}
