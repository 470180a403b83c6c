import { me } from "../../client/routes.ts";
import { command, type Noun } from "../command.ts";
import { one } from "../output/shown.ts";

export const whoami: Noun = {
  brief: "Who the home takes you for, and what you may do",
  only: command({
    brief: "Who the home takes you for, and what you may do",
    run: async (ctx) => {
      const { client } = await ctx.link();
      return one(await client.call(me.get, {}), ({ name, kind, rights }) => [
        ["Name", name],
        ["Kind", kind],
        ...Object.entries(rights).map(
          ([place, all]) => [place === "*" ? "Every workspace" : `Workspace ${place}`, `${all.length} rights`] as const,
        ),
      ]);
    },
  }),
};
