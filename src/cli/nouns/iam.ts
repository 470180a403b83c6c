import { iam as routes } from "../../client/routes.ts";
import type { IamLink } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";
import { iamPrincipalsOf } from "../../contract/iam.ts";
import { command, flag, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";

const COLUMNS: readonly Column<IamLink>[] = [
  { head: "Principal", of: (it) => it.principal },
  { head: "Person", of: (it) => it.person },
  { head: "Since", of: (it) => ago(it.created_at) },
  { head: "By", of: (it) => it.created_by },
];

const PRINCIPAL = flag.required("ARN of an IAM user, a role or one session of a role; or as `yard iam list` shows it", {
  placeholder: "arn",
});

export const iam: Noun = {
  brief: "IAM users and roles of an AWS home: whom they stand for",
  verbs: {
    create: command({
      brief: "Let an IAM user or role stand for a person, who signs in with `yard login --iam`",
      flags: {
        principal: PRINCIPAL,
        name: flag.required("User name or e-mail address, as in `yard member`", { short: "n", placeholder: "person" }),
      },
      run: async (ctx, { principal, name }) => {
        const { client } = await ctx.link();
        return one(await client.call(routes.put, { params: { principal: idOf(principal) }, body: { person: name } }));
      },
    }),
    list: command({
      brief: "Whom IAM users and roles stand for",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, { maxResults }) => {
        const { client } = await ctx.link();
        return list(await collect(ctx, maxResults, (query) => client.call(routes.list, { query })), COLUMNS);
      },
    }),
    delete: command({
      brief: "Let an IAM user or role stand for nobody",
      flags: { principal: PRINCIPAL, yes: flags.yes() },
      run: async (ctx, { principal, yes }) => {
        const { client } = await ctx.link();
        await confirm(ctx, yes, `let ${principal} stand for nobody?`);
        await client.call(routes.delete, { params: { principal: idOf(principal) } });
        return nothing();
      },
    }),
  },
};

/** What is meant: a role for its own ARN, one session of it for the session's. */
function idOf(text: string): string {
  if (!text.startsWith("arn:")) return text;
  const [narrow] = iamPrincipalsOf(text);
  if (narrow !== undefined) return narrow;
  throw new AppError("InvalidArgument", `\`${text}\` is no ARN of an IAM user, role or session of a role`, {
    hint: "for example `arn:aws:iam::123456789012:role/Trainers`",
  });
}
