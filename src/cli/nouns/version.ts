import { home } from "../../client/routes.ts";
import { isAppError } from "../../contract/errors.ts";
import { MLFLOW_VERSION, TRAINYARD_VERSION } from "../../contract/version.ts";
import { command, type Noun } from "../command.ts";
import { one } from "../output/shown.ts";

export const version: Noun = {
  brief: "Versions of yard and of the home",
  only: command({
    brief: "Versions of yard and, where one is running, of the home",
    run: async (ctx) => {
      const own = { yard: TRAINYARD_VERSION, mlflow: MLFLOW_VERSION, node: process.versions.node };
      try {
        const { client } = await ctx.link();
        const theirs = await client.call(home.version, {});
        return one({ ...own, home: theirs.version, home_kind: theirs.home }, (it) => Object.entries(it));
      } catch (error) {
        if (!isAppError(error)) throw error;
        return one(own, (it) => Object.entries(it));
      }
    },
  }),
};
