import { home } from "../../client/routes.ts";
import { command, type Noun } from "../command.ts";
import { one } from "../output/shown.ts";

export const status: Noun = {
  brief: "Where the home is, and whether it answers",
  only: command({
    brief: "Where the home is, and whether it answers",
    run: async (ctx) => {
      const { client, address, workspace } = await ctx.link();
      const version = await client.call(home.version, {});
      const facts = {
        url: address.url,
        address_from: address.from,
        home: version.home,
        version: version.version,
        workspace,
        mlflow_tracking_uri: `${address.url}/w/${workspace}`,
        ...(address.dataDir === undefined ? {} : { data_dir: address.dataDir }),
      };
      return one(facts, (it) => [
        ["Address", it.url],
        ["Found by", it.address_from],
        ["Home", `${it.home}, version ${it.version}`],
        ["Workspace", it.workspace],
        ["MLflow", it.mlflow_tracking_uri],
        ["Data", it.data_dir],
      ]);
    },
  }),
};
