import { files, home as homeRoutes, me, workspaces } from "../../client/routes.ts";
import { isAppError } from "../../contract/errors.ts";
import type { Ctx } from "../context.ts";
import { clockFinding, type Finding, look, ok } from "./finding.ts";

const ROOT = "azureml://datastores/workspaceblobstore/paths/";

/** Whether each part of the home that is known here answers: its door, its key, its records, its objects. Nothing when none is known. */
export async function lookAtHome(ctx: Ctx): Promise<Finding[]> {
  const link = await ctx.link().catch((error: unknown) => {
    if (isAppError(error) && error.code === "Unavailable") return undefined;
    throw error;
  });
  if (link === undefined)
    return [ok("home", "none is known here; `yard up` starts one, `yard login URL` signs in to one")];
  const { client, workspace, address } = link;
  const door = await look("home", "is it running? `yard status` tells where it is looked for", async () => {
    const { home, version } = await client.call(homeRoutes.version, {});
    return ok("home", `${address.url}, ${home}, version ${version}`);
  });
  if (door.verdict === "bad") return [door];
  return [
    door,
    ...(await Promise.all([
      look("clock", "", async () => {
        const { headers } = await client.raw("/health");
        return clockFinding("clock", headers.get("date"), Date.now());
      }),
      look("sign-in", "`yard login URL`, or a token in TRAINYARD_TOKEN", async () => {
        const { name, kind } = await client.call(me.get, {});
        return ok("sign-in", `as ${name} (${kind})`);
      }),
      look("records", "AWS: the function's log tells why; its role may read the table", async () => {
        const { items } = await client.call(workspaces.list, {});
        return ok("records", `${items.length} workspaces`);
      }),
      look("objects", "AWS: the function's log tells why; its role may read the bucket", async () => {
        await client.call(files.list, { params: { workspace }, query: { uri: ROOT } }).catch(unlessEmpty);
        return ok("objects", `files of workspace ${workspace} can be listed`);
      }),
    ])),
  ];
}

function unlessEmpty(error: unknown): void {
  if (!isAppError(error) || error.code !== "NotFound") throw error;
}
