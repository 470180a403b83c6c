import { hostname } from "node:os";
import { iam } from "../../client/routes.ts";
import { command, flag, type Noun } from "../command.ts";
import { readConfig, writeConfig } from "../config-file.ts";
import { checkUrl } from "../find-address.ts";
import { one } from "../output/shown.ts";

export const bootstrap: Noun = {
  brief: "Become the first owner of an AWS home, by your AWS credentials",
  only: command({
    brief: "Become the first owner of an AWS home that has none, and remember it",
    args: { brief: "Address of the home: the output `Url` of `cdk deploy`", placeholder: "url" },
    flags: {
      name: flag.text("Who you are from now on; default: your IAM user, role or Identity Center session", {
        short: "n",
        placeholder: "person",
      }),
      days: flag.number("Days until the next sign-in, 1 to 366; default: 30", { placeholder: "days" }),
    },
    run: async (ctx, given, args) => {
      const url = checkUrl(args[0] ?? "", "the address");
      const { openIamClient } = await import("../sign-in/iam.ts");
      const client = await openIamClient(url, ctx.io.env, ctx.io.signal);
      const made = await client.call(iam.bootstrap, {
        body: {
          name: `yard bootstrap on ${hostname()}`,
          days: given.days ?? 30,
          ...(given.name === undefined ? {} : { person: given.name }),
        },
        signal: ctx.io.signal,
      });
      writeConfig(ctx.io.env, { ...readConfig(ctx.io.env), address: url, token: made.token });
      return one({ name: `user:${made.person}`, address: url, role: "owner" }, (it) => [
        ["Owner", it.name],
        ["Home", it.address],
      ]);
    },
  }),
};
