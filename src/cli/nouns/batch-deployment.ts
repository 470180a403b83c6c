import { batchEndpoints, batchDeployments as routes } from "../../client/routes.ts";
import type { BatchDeployment } from "../../contract/batch-endpoints.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { makeFileReader } from "../file-reader.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";
import { storeUploads } from "../take-in.ts";

const COLUMNS: readonly Column<BatchDeployment>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Default", of: (it) => (it.is_default ? "yes" : "no") },
  { head: "Component", of: (it) => it.component },
  { head: "Created", of: (it) => ago(it.created_at) },
];

function briefOf(it: BatchDeployment): (readonly [string, unknown])[] {
  return [
    ["Name", it.name],
    ["Endpoint", it.endpoint_name],
    ["Default", it.is_default ? "yes" : "no"],
    ["Component", it.component],
    ["Settings", it.settings],
    ["Description", it.description],
    ["Tags", it.tags],
    ["Created", `${it.created_at} by ${it.created_by}`],
  ];
}

const endpoint = () => flag.required("The endpoint", { short: "e", placeholder: "name" });

async function show(ctx: Ctx, at: string, deployment: string) {
  const { client, workspace } = await ctx.link();
  return one(await client.call(routes.get, { params: { workspace, endpoint: at, deployment } }), briefOf);
}

export const batchDeployment: Noun = {
  brief: "The versions of a published pipeline",
  verbs: {
    create: command({
      brief: "Publish a pipeline component under a name of an endpoint; a component's file is registered first",
      flags: {
        name: flags.maybeName("deployment"),
        endpointName: flag.text("The endpoint; default: the file's", { short: "e", placeholder: "name" }),
        file: flags.file(),
        set: flags.set(),
        setDefault: flag.is("Is called from now on where no deployment is named"),
        noWait: flags.noWait(),
      },
      run: async (ctx, given) => {
        const { loadBatchDeployment } = await import("../../spec/load-batch.ts");
        const loaded = loadBatchDeployment(makeFileReader(ctx.io.cwd), given.file, { set: given.set });
        const deployment = given.name ?? loaded.name;
        const at = given.endpointName ?? loaded.endpoint;
        if (deployment === undefined) throw missing("the name", "`--name NAME`");
        if (at === undefined) throw missing("the endpoint", "`--endpoint-name NAME`");
        const body = await storeUploads(ctx, loaded);
        const { client, workspace } = await ctx.link();
        await client.call(routes.put, { params: { workspace, endpoint: at, deployment }, body });
        if (given.setDefault) {
          const defaults = { deployment_name: deployment };
          await client.call(batchEndpoints.update, { params: { workspace, endpoint: at }, body: { defaults } });
        }
        return show(ctx, at, deployment);
      },
    }),
    list: command({
      brief: "Deployments of an endpoint",
      flags: { endpointName: endpoint(), maxResults: flags.maxResults() },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const params = { workspace, endpoint: given.endpointName };
        return list(await collect(ctx, given.maxResults, () => client.call(routes.list, { params })), COLUMNS);
      },
    }),
    show: command({
      brief: "One deployment",
      flags: { name: flags.name("deployment"), endpointName: endpoint() },
      run: (ctx, given) => show(ctx, given.endpointName, given.name),
    }),
    delete: command({
      brief: "Delete a deployment that is not the default; its component stays",
      flags: { name: flags.name("deployment"), endpointName: endpoint(), yes: flags.yes(), noWait: flags.noWait() },
      run: async (ctx, { name, endpointName: at, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete deployment ${name} of endpoint ${at}?`);
        await client.call(routes.delete, { params: { workspace, endpoint: at, deployment: name } });
        return nothing();
      },
    }),
  },
};
