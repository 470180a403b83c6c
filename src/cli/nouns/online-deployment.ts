import { patiently } from "../../client/patiently.ts";
import { onlineEndpoints, onlineDeployments as routes } from "../../client/routes.ts";
import type { OnlineDeployment, OnlineDeploymentSpec } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { type Column, list, nothing, one, type Shown, text } from "../output/shown.ts";
import { takeInSpec } from "../take-in.ts";
import { untilGone } from "../until-gone.ts";

const COLUMNS: readonly Column<OnlineDeployment>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "State", of: (it) => it.provisioning_state },
  { head: "Model", of: (it) => it.model },
  { head: "Healthy", of: (it) => `${it.healthy_instances} of ${it.instance_count}` },
  { head: "Revision", of: (it) => it.revision },
  { head: "Updated", of: (it) => ago(it.updated_at) },
];

const endpointName = () => flag.text("The endpoint; default: the file's", { short: "e", placeholder: "name" });
const endpoint = () => flag.required("The endpoint", { short: "e", placeholder: "name" });
const local = { local: flag.is("Accepted for Azure scripts; a laptop home is local", { hidden: true }) };

function briefOf(it: OnlineDeployment): (readonly [string, unknown])[] {
  return [
    ["Name", it.name],
    ["Endpoint", it.endpoint_name],
    ["State", it.provisioning_state],
    ["Why", it.reason],
    ["Model", it.model],
    ["Environment", it.environment?.label],
    ["Replicas", `${it.healthy_instances} of ${it.instance_count} healthy`],
    ["Revision", it.revision],
    ["Tags", it.tags],
  ];
}

interface Given {
  readonly file: string | undefined;
  readonly name: string | undefined;
  readonly endpointName: string | undefined;
  readonly set: readonly string[];
  readonly noWait: boolean;
}

const write = {
  name: flags.maybeName("deployment"),
  endpointName: endpointName(),
  file: flags.maybeFile(),
  set: flags.set(),
  noWait: flags.noWait(),
  skipScriptValidation: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  withPackage: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  packageModel: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  localEnableGpu: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  vscodeDebug: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  web: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  ...local,
};

export const onlineDeployment: Noun = {
  brief: "What stands behind an endpoint",
  verbs: {
    create: command({
      brief: "Deploy a model; waits until it is healthy",
      flags: { ...write, allTraffic: flag.is("Gives it all of the endpoint's traffic once it is healthy") },
      run: async (ctx, given) => {
        const taken = await intake(ctx, given);
        const made = await put(ctx, taken, given.noWait);
        if (given.allTraffic) await takeAllTraffic(ctx, taken.endpoint, taken.name, given.noWait);
        return made;
      },
    }),
    update: command({
      brief: "Replace a deployment by a new revision; the old one serves until the new one is healthy",
      flags: { ...write, instanceCount: flag.number("Replicas", { placeholder: "count" }) },
      run: async (ctx, given) => {
        const taken = given.file === undefined ? await changed(ctx, given) : await intake(ctx, given);
        const spec =
          given.instanceCount === undefined ? taken.spec : { ...taken.spec, instance_count: given.instanceCount };
        return put(ctx, { ...taken, spec }, given.noWait);
      },
    }),
    list: command({
      brief: "Deployments of an endpoint",
      flags: { endpointName: endpoint(), maxResults: flags.maxResults(), ...local },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const params = { workspace, endpoint: given.endpointName };
        return list(
          await collect(ctx, given.maxResults, (query) => client.call(routes.list, { params, query })),
          COLUMNS,
        );
      },
    }),
    show: command({
      brief: "One deployment",
      flags: { name: flags.name("deployment"), endpointName: endpoint(), ...local },
      run: async (ctx, { name, endpointName: at }) => {
        const { client, workspace } = await ctx.link();
        return one(
          await client.call(routes.get, { params: { workspace, endpoint: at, deployment: name }, query: {} }),
          briefOf,
        );
      },
    }),
    delete: command({
      brief: "Delete a deployment that has no traffic",
      flags: {
        name: flags.name("deployment"),
        endpointName: endpoint(),
        yes: flags.yes(),
        noWait: flags.noWait(),
        ...local,
      },
      run: async (ctx, { name, endpointName: at, yes, noWait }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete deployment ${name} of endpoint ${at}?`);
        const params = { workspace, endpoint: at, deployment: name };
        await client.call(routes.delete, { params });
        if (!noWait) await untilGone(ctx, `deployment ${name}`, () => client.call(routes.get, { params, query: {} }));
        return nothing();
      },
    }),
    "get-logs": command({
      brief: "Latest log lines of a deployment's replicas",
      flags: {
        name: flags.name("deployment"),
        endpointName: endpoint(),
        lines: flag.number("So many; default: 5000", { short: "l", placeholder: "count" }),
        container: flag.text("Accepted for Azure scripts; no effect", { short: "c", hidden: true }),
        ...local,
      },
      run: async (ctx, { name, endpointName: at, lines }) => {
        const { client, workspace } = await ctx.link();
        const log = await client.call(routes.logs, {
          params: { workspace, endpoint: at, deployment: name },
          query: { tail: lines ?? 5000 },
        });
        return text(log.text === "" || log.text.endsWith("\n") ? log.text : `${log.text}\n`);
      },
    }),
  },
};

interface Wanted {
  readonly endpoint: string;
  readonly name: string;
  readonly spec: OnlineDeploymentSpec;
}

async function intake(ctx: Ctx, given: Given): Promise<Wanted> {
  if (given.file === undefined) throw missing("the file", "`--file FILE`");
  const taken = await takeInSpec(ctx, "online-deployment", given.file, { set: given.set, name: given.name });
  return complete(given.endpointName ?? taken.endpoint, taken.name, taken.spec);
}

/** An update without a file: what is deployed now, with `--set` applied to fields of its own. */
async function changed(ctx: Ctx, given: Given): Promise<Wanted> {
  const { endpoint: at, name } = complete(given.endpointName, given.name, {});
  const { client, workspace } = await ctx.link();
  const now = await client.call(routes.get, { params: { workspace, endpoint: at, deployment: name }, query: {} });
  const spec = structuredClone(now.spec) as Record<string, unknown>;
  for (const text_ of given.set) assign(spec, text_);
  return { endpoint: at, name, spec: spec as OnlineDeploymentSpec };
}

function assign(spec: Record<string, unknown>, change: string): void {
  const at = change.indexOf("=");
  if (at <= 0) throw new AppError("InvalidArgument", `\`--set ${change}\` is not KEY=VALUE`);
  const keys = change.slice(0, at).split(".");
  const last = keys.pop() ?? "";
  let holder = spec;
  for (const key of keys) {
    const inner = Object.hasOwn(holder, key) ? holder[key] : undefined;
    const next = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
    Object.defineProperty(holder, key, { value: next, enumerable: true, configurable: true, writable: true });
    holder = next;
  }
  const value = change.slice(at + 1);
  const typed =
    /^(-?\d+(\.\d+)?|true|false)$/.test(value) && keys[0] !== "environment_variables" && keys[0] !== "tags"
      ? JSON.parse(value)
      : value;
  Object.defineProperty(holder, last, { value: typed, enumerable: true, configurable: true, writable: true });
}

function complete(endpointOf: string | undefined, name: string | undefined, spec: OnlineDeploymentSpec): Wanted {
  if (endpointOf === undefined)
    throw missing("the endpoint", "`endpoint_name:` in the file, or `--endpoint-name NAME`");
  if (name === undefined) throw missing("the name", "`name:` in the file, or `--name NAME`");
  return { endpoint: endpointOf, name, spec };
}

async function put(ctx: Ctx, wanted: Wanted, noWait: boolean): Promise<Shown> {
  const { client, workspace } = await ctx.link();
  const params = { workspace, endpoint: wanted.endpoint, deployment: wanted.name };
  const made = await client.call(routes.put, { params, body: wanted.spec });
  for (const warning of made.warnings) ctx.warn(warning);
  if (noWait) return one(made, briefOf);
  return one(await settled(ctx, params, made), briefOf);
}

/** Waits until the deployment is healthy; throws DeploymentFailed with the end of its log. */
async function settled(
  ctx: Ctx,
  params: { workspace: string; endpoint: string; deployment: string },
  made: OnlineDeployment,
): Promise<OnlineDeployment> {
  const { client } = await ctx.link();
  const progress = ctx.progress(`deployment ${params.deployment}`);
  let now = made;
  try {
    while (now.provisioning_state === "Creating" || now.provisioning_state === "Updating") {
      progress.update(now.reason ?? now.provisioning_state);
      now = await patiently(
        () => client.call(routes.get, { params, query: { wait_ms: 5000 }, signal: ctx.io.signal }),
        (it) => it.provisioning_state === "Succeeded" || it.provisioning_state === "Failed",
        ctx.io.signal,
      );
    }
  } finally {
    progress.end();
  }
  if (now.provisioning_state !== "Failed") return now;
  if (now.log_tail !== undefined) ctx.note(now.log_tail.trimEnd());
  throw new AppError(
    "DeploymentFailed",
    `deployment \`${params.deployment}\` of endpoint \`${params.endpoint}\` failed: ${now.reason ?? "no reason is known"}`,
    {
      hint: `\`yard online-deployment get-logs --endpoint-name ${params.endpoint} --name ${params.deployment}\` shows its log`,
    },
  );
}

async function takeAllTraffic(ctx: Ctx, at: string, name: string, noWait: boolean): Promise<void> {
  if (noWait) {
    ctx.warn(
      `the traffic stays as it is until the deployment is healthy: \`yard online-endpoint update --name ${at} --traffic ${name}=100\``,
    );
    return;
  }
  const { client, workspace } = await ctx.link();
  await client.call(onlineEndpoints.update, {
    params: { workspace, endpoint: at },
    body: { traffic: { [name]: 100 } },
  });
}
