import { onlineEndpoints as routes } from "../../client/routes.ts";
import type { OnlineEndpoint } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { ago, collect, confirm, flags, keyValues, trafficOf } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { type Column, list, nothing, one, text } from "../output/shown.ts";
import { takeInSpec } from "../take-in.ts";
import { untilGone } from "../until-gone.ts";

const COLUMNS: readonly Column<OnlineEndpoint>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "State", of: (it) => it.provisioning_state },
  { head: "Traffic", of: (it) => it.traffic },
  { head: "Scoring address", of: (it) => it.scoring_uri },
  { head: "Updated", of: (it) => ago(it.updated_at) },
];

const local = { local: flag.is("Accepted for Azure scripts; a laptop home is local", { hidden: true }) };

export function briefOf(it: OnlineEndpoint): (readonly [string, unknown])[] {
  return [
    ["Name", it.name],
    ["State", it.provisioning_state],
    ["Scoring address", it.scoring_uri],
    ["Auth", it.auth_mode],
    ["Traffic", it.traffic],
    ["Mirror traffic", it.mirror_traffic],
    ["Deployments", it.deployments],
    ["Description", it.description],
    ["Tags", it.tags],
    ...it.warnings.map((warning) => ["Warning", warning] as const),
  ];
}

export const onlineEndpoint: Noun = {
  brief: "Addresses that score",
  verbs: {
    create: command({
      brief: "Make an endpoint, or change its settings",
      flags: {
        name: flag.text("Name of the endpoint; default: the file's", { short: "n", placeholder: "name" }),
        file: flags.maybeFile(),
        set: flags.set(),
        authMode: flag.choice("How callers show who they are; default: key", ["key", "aml_token", "aad_token"]),
        description: flag.text("What it is for", { placeholder: "text" }),
        tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
        noWait: flags.noWait(),
        web: flag.is("Accepted for Azure scripts; no effect", { hidden: true, short: "e" }),
        ...local,
      },
      run: async (ctx, given) => {
        const taken =
          given.file === undefined
            ? undefined
            : await takeInSpec(ctx, "online-endpoint", given.file, { set: given.set, name: given.name });
        const name = taken?.name ?? given.name;
        if (name === undefined) throw missing("the name", "`--name NAME`");
        const { client, workspace } = await ctx.link();
        const body = {
          ...taken?.spec,
          ...(given.authMode === undefined ? {} : { auth_mode: given.authMode }),
          ...(given.description === undefined ? {} : { description: given.description }),
          ...(given.tags.length === 0 ? {} : { tags: keyValues("--tags", given.tags) }),
        };
        const made = await client.call(routes.put, { params: { workspace, endpoint: name }, body });
        for (const warning of made.warnings) ctx.warn(warning);
        return one(made, briefOf);
      },
    }),
    list: command({
      brief: "Endpoints of the workspace",
      flags: { maxResults: flags.maxResults(), ...local },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        return list(
          await collect(ctx, given.maxResults, (query) => client.call(routes.list, { params: { workspace }, query })),
          COLUMNS,
        );
      },
    }),
    show: command({
      brief: "One endpoint",
      flags: {
        name: flags.name("endpoint"),
        ...local,
        web: flag.is("Accepted for Azure scripts; no effect", { hidden: true, short: "e" }),
      },
      run: async (ctx, { name }) => {
        const { client, workspace } = await ctx.link();
        return one(await client.call(routes.get, { params: { workspace, endpoint: name } }), briefOf);
      },
    }),
    update: command({
      brief: "Change traffic, words and tags",
      flags: {
        name: flags.maybeName("endpoint"),
        file: flags.maybeFile(),
        set: flags.set(),
        traffic: flag.many('Share of each deployment: "blue=90 green=10"', { short: "r", placeholder: "name=percent" }),
        mirrorTraffic: flag.many("Share of requests that a deployment gets a copy of", { placeholder: "name=percent" }),
        description: flag.text("What it is for", { placeholder: "text" }),
        tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
        noWait: flags.noWait(),
        defaults: flag.text("Accepted for Azure scripts; no effect", { hidden: true }),
        ...local,
      },
      run: async (ctx, given) => {
        const taken =
          given.file === undefined
            ? undefined
            : await takeInSpec(ctx, "online-endpoint", given.file, { set: given.set, name: given.name });
        const name = taken?.name ?? given.name;
        if (name === undefined) throw missing("the name", "`--name NAME`");
        const set = given.file === undefined ? setOf(given.set) : {};
        const { traffic, mirror_traffic, description, tags } = taken?.spec ?? {};
        const body = {
          ...(traffic === undefined ? {} : { traffic }),
          ...(mirror_traffic === undefined ? {} : { mirror_traffic }),
          ...(description === undefined ? {} : { description }),
          ...(tags === undefined ? {} : { tags }),
          ...set,
          ...(given.traffic.length === 0 ? {} : { traffic: trafficOf(given.traffic) }),
          ...(given.mirrorTraffic.length === 0 ? {} : { mirror_traffic: trafficOf(given.mirrorTraffic) }),
          ...(given.description === undefined ? {} : { description: given.description }),
          ...(given.tags.length === 0 ? {} : { tags: keyValues("--tags", given.tags) }),
        };
        const { client, workspace } = await ctx.link();
        return one(await client.call(routes.update, { params: { workspace, endpoint: name }, body }), briefOf);
      },
    }),
    delete: command({
      brief: "Delete an endpoint with its deployments",
      flags: { name: flags.name("endpoint"), yes: flags.yes(), noWait: flags.noWait(), ...local },
      run: async (ctx, { name, yes, noWait }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete endpoint ${name} and its deployments?`);
        const params = { workspace, endpoint: name };
        await client.call(routes.delete, { params });
        if (!noWait) await untilGone(ctx, `endpoint ${name}`, () => client.call(routes.get, { params }));
        return nothing();
      },
    }),
    "get-credentials": command({
      brief: "The keys, or a token, that callers need",
      flags: { name: flags.name("endpoint") },
      run: async (ctx, { name }) => {
        const { client, workspace } = await ctx.link();
        const params = { workspace, endpoint: name };
        const found = await client.call(routes.get, { params });
        return one(
          found.auth_mode === "key"
            ? await client.call(routes.keys, { params })
            : await client.call(routes.token, { params, body: {} }),
        );
      },
    }),
    "regenerate-keys": command({
      brief: "Make a key anew; the other one stays good",
      flags: {
        name: flags.name("endpoint"),
        keyType: flag.choice("Which key; default: primary", ["primary", "secondary"]),
        yes: flags.yes(),
      },
      run: async (ctx, { name, keyType, yes }) => {
        const type = keyType ?? "primary";
        await confirm(ctx, yes, `replace the ${type} key of endpoint ${name}?`);
        const { client, workspace } = await ctx.link();
        return one(
          await client.call(routes.regenerateKey, { params: { workspace, endpoint: name }, body: { key_type: type } }),
        );
      },
    }),
    invoke: command({
      brief: "Send a request and print the answer as it is",
      flags: {
        name: flags.name("endpoint"),
        requestFile: flag.text("File with the request's body; `-` reads stdin", { short: "r", placeholder: "file" }),
        deploymentName: flag.text("This deployment, whatever its traffic", { short: "d", placeholder: "name" }),
        contentType: flag.text("Default: application/json", { placeholder: "type" }),
        ...local,
      },
      run: async (ctx, given) => {
        const { name, requestFile } = given;
        if (requestFile === undefined) throw missing("the request", "`--request-file FILE`");
        const body = await bodyOf(ctx, requestFile);
        const { client, workspace } = await ctx.link();
        const params = { workspace, endpoint: name };
        const found = await client.call(routes.get, { params });
        const secret =
          found.auth_mode === "key"
            ? (await client.call(routes.keys, { params })).primaryKey
            : (await client.call(routes.token, { params, body: {} })).accessToken;
        const response = await client.raw(found.scoring_uri, {
          method: "POST",
          headers: {
            authorization: `Bearer ${secret}`,
            "content-type": given.contentType ?? "application/json",
            ...(given.deploymentName === undefined ? {} : { "azureml-model-deployment": given.deploymentName }),
          },
          body,
          signal: ctx.io.signal,
        });
        const answer = await response.text();
        return text(answer.endsWith("\n") ? answer : `${answer}\n`);
      },
    }),
  },
};

/** `--set traffic.blue=90 description=x` without a file. */
function setOf(set: readonly string[]) {
  const body: { traffic?: Record<string, number>; description?: string; tags?: Record<string, string> } = {};
  for (const item of set) {
    const at = item.indexOf("=");
    const [group = "", entry] = item.slice(0, Math.max(0, at)).split(/\.(.*)/s);
    const value = item.slice(at + 1);
    if (group === "traffic" && entry !== undefined)
      body.traffic = { ...body.traffic, ...trafficOf([`${entry}=${value}`]) };
    else if (group === "tags" && entry !== undefined) body.tags = { ...body.tags, [entry]: value };
    else if (group === "description" && entry === undefined) body.description = value;
    else
      throw new AppError("InvalidArgument", `\`--set ${item}\` is not a field of an endpoint that can change`, {
        hint: "traffic.NAME=..., tags.KEY=..., description=...",
      });
  }
  return body;
}

async function bodyOf(ctx: Ctx, file: string): Promise<Uint8Array> {
  if (file === "-") return new TextEncoder().encode(await ctx.io.readStdin());
  const [{ readFileSync }, { resolve }] = await Promise.all([import("node:fs"), import("node:path")]);
  try {
    return readFileSync(resolve(ctx.io.cwd, file));
  } catch (cause) {
    throw new AppError(
      "InvalidArgument",
      `request file \`${file}\` cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}
