import { batchEndpoints as routes } from "../../client/routes.ts";
import type { BatchEndpoint, BatchEndpointSpec, InvokeBatchEndpoint } from "../../contract/batch-endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { ago, collect, confirm, flags, keyValues } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { makeFileReader } from "../file-reader.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";
import { storeUploads, takeInPath, takeInSpec } from "../take-in.ts";

const COLUMNS: readonly Column<BatchEndpoint>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Default", of: (it) => it.defaults.deployment_name },
  { head: "Deployments", of: (it) => it.deployments },
  { head: "Updated", of: (it) => ago(it.updated_at) },
];

function briefOf(it: BatchEndpoint): (readonly [string, unknown])[] {
  return [
    ["Name", it.name],
    ["Default", it.defaults.deployment_name],
    ["Deployments", it.deployments],
    ["Address", it.scoring_uri],
    ["Description", it.description],
    ["Tags", it.tags],
    ["Created", `${it.created_at} by ${it.created_by}`],
  ];
}

const write = {
  name: flags.maybeName("endpoint"),
  file: flags.maybeFile(),
  set: flags.set(),
  description: flag.text("What it is for", { placeholder: "text" }),
  tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
  noWait: flags.noWait(),
};

interface Written {
  readonly name: string | undefined;
  readonly file: string | undefined;
  readonly set: readonly string[];
  readonly description: string | undefined;
  readonly tags: readonly string[];
}

async function specOf(ctx: Ctx, given: Written): Promise<{ readonly name: string; readonly spec: BatchEndpointSpec }> {
  const taken =
    given.file === undefined
      ? undefined
      : await takeInSpec(ctx, "batch-endpoint", given.file, { set: given.set, name: given.name });
  const name = taken?.name ?? given.name;
  if (name === undefined) throw missing("the name", "`--name NAME`");
  const spec = {
    ...taken?.spec,
    ...(given.description === undefined ? {} : { description: given.description }),
    ...(given.tags.length === 0 ? {} : { tags: keyValues("--tags", given.tags) }),
  };
  return { name, spec };
}

export const batchEndpoint: Noun = {
  brief: "Published pipelines, started by a name",
  verbs: {
    create: command({
      brief: "Make an endpoint, or change its settings; `yard batch-deployment create` gives it pipelines",
      flags: write,
      run: async (ctx, given) => {
        const { name, spec } = await specOf(ctx, given);
        const { client, workspace } = await ctx.link();
        return one(await client.call(routes.put, { params: { workspace, endpoint: name }, body: spec }), briefOf);
      },
    }),
    list: command({
      brief: "Batch endpoints of the workspace",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const ask = (query: { limit: number; cursor?: string }) =>
          client.call(routes.list, { params: { workspace }, query });
        return list(await collect(ctx, given.maxResults, ask), COLUMNS);
      },
    }),
    show: command({
      brief: "One endpoint",
      flags: { name: flags.name("endpoint") },
      run: async (ctx, { name }) => {
        const { client, workspace } = await ctx.link();
        return one(await client.call(routes.get, { params: { workspace, endpoint: name } }), briefOf);
      },
    }),
    update: command({
      brief: "Change the default deployment, words and tags",
      flags: {
        ...write,
        defaults: flag.text("The deployment that is called where none is named", { placeholder: "name" }),
      },
      run: async (ctx, given) => {
        const { name, spec } = await specOf(ctx, given);
        const { description, tags } = spec;
        const chosen =
          given.defaults?.replace(/^deployment_name=/, "") ?? defaultIn(given) ?? spec.defaults?.deployment_name;
        const body = {
          ...(description === undefined ? {} : { description }),
          ...(tags === undefined ? {} : { tags }),
          ...(chosen === undefined ? {} : { defaults: { deployment_name: chosen } }),
        };
        const { client, workspace } = await ctx.link();
        return one(await client.call(routes.update, { params: { workspace, endpoint: name }, body }), briefOf);
      },
    }),
    delete: command({
      brief: "Delete an endpoint with its deployments; jobs and components stay",
      flags: { name: flags.name("endpoint"), yes: flags.yes(), noWait: flags.noWait() },
      run: async (ctx, { name, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete batch endpoint ${name} and its deployments?`);
        await client.call(routes.delete, { params: { workspace, endpoint: name } });
        return nothing();
      },
    }),
    invoke: command({
      brief: "Submit the pipeline of a deployment; answers the job, which `yard job stream` follows",
      flags: {
        name: flags.name("endpoint"),
        deploymentName: flag.text("This deployment; default: the endpoint's", { short: "d", placeholder: "name" }),
        file: flag.text("Inputs and outputs (YAML)", { short: "f", placeholder: "file" }),
        set: flags.set(),
        input: flag.many("Input: name=value, where a value may be a local path: name=./data", {
          placeholder: "name=value",
        }),
        experimentName: flag.text("Default: the endpoint's name", { placeholder: "name" }),
        displayName: flag.text("The job's name for people", { placeholder: "text" }),
      },
      run: async (ctx, given) => {
        if (given.file === undefined && given.set.length > 0)
          throw missing("the file that `--set` changes", "`--file FILE`");
        const told = given.file === undefined ? {} : await inputsIn(ctx, given.file, given.set);
        const inputs = { ...told.inputs, ...(await storedInputs(ctx, given.input)) };
        const body: InvokeBatchEndpoint = {
          ...told,
          ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
          ...(given.deploymentName === undefined ? {} : { deployment_name: given.deploymentName }),
          ...(given.experimentName === undefined ? {} : { experiment_name: given.experimentName }),
          ...(given.displayName === undefined ? {} : { display_name: given.displayName }),
        };
        const { client, workspace } = await ctx.link();
        return one(await client.call(routes.invoke, { params: { workspace, endpoint: given.name }, body }), (job) => [
          ["Name", job.name],
          ["Status", job.status],
          ["Experiment", job.experiment_name],
          ["Tags", job.tags],
        ]);
      },
    }),
  },
};

async function inputsIn(ctx: Ctx, file: string, set: readonly string[]) {
  const { loadBatchInputs } = await import("../../spec/load-batch.ts");
  return storeUploads(ctx, loadBatchInputs(makeFileReader(ctx.io.cwd), file, { set }));
}

/** What is written as a path here is stored; everything else is a value. */
async function storedInputs(ctx: Ctx, given: readonly string[]): Promise<Record<string, string>> {
  const made: Record<string, string> = {};
  for (const text of given) {
    // A value may have spaces and more of these signs.
    const [, name, value] = /^([^=\s]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw new AppError("InvalidArgument", `\`${text}\` in --input is not NAME=VALUE`);
    made[name] = /^(\.{0,2}\/|file:)/.test(value) ? await takeInPath(ctx, value, "data") : value;
  }
  return made;
}

/** `--set defaults.deployment_name=NAME`, as in Azure's words, without a file. */
function defaultIn({ file, set }: Written): string | undefined {
  if (file !== undefined) return undefined;
  const wanted = "defaults.deployment_name=";
  const other = set.find((each) => !each.startsWith(wanted));
  if (other !== undefined)
    throw new AppError("InvalidArgument", `\`--set ${other}\` needs the file that it changes`, {
      hint: "without a file: defaults.deployment_name=NAME, --description, --tags",
    });
  return set.at(-1)?.slice(wanted.length);
}
