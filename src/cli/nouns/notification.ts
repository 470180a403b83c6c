import { notifications as routes } from "../../client/routes.ts";
import type { Channel, Notification } from "../../contract/notifications.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { ago, collect, confirm, flags } from "../common-flags.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";

const COLUMNS: readonly Column<Notification>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Events", of: (it) => it.events.join(" ") },
  { head: "About", of: (it) => it.about },
  { head: "To", of: (it) => `${it.channel.type} ${it.channel.to}` },
  { head: "On", of: (it) => (it.is_enabled ? "yes" : "no") },
  { head: "Last failure", of: (it) => it.last_failure && `${ago(it.last_failure.at)}: ${it.last_failure.reason}` },
];

function briefOf(it: Notification): [string, unknown][] {
  return [
    ["Name", it.name],
    ["Events", it.events.join(" ")],
    ["About", it.about],
    ["To", `${it.channel.type} ${it.channel.to}`],
    ["Secret", it.secret],
  ];
}

function channelOf(given: {
  readonly webhook: string | undefined;
  readonly slack: string | undefined;
  readonly console: boolean;
  readonly topic: string | undefined;
  readonly email: string | undefined;
}): Channel {
  if (given.webhook !== undefined) return { type: "webhook", url: given.webhook };
  if (given.slack !== undefined) return { type: "slack", url: given.slack };
  if (given.topic !== undefined) return { type: "sns", topic_arn: given.topic };
  if (given.email !== undefined) return { type: "email", address: given.email };
  if (given.console) return { type: "console" };
  throw missing("where it goes", "`--webhook URL`, `--slack URL`, `--console`, `--topic ARN` or `--email ADDRESS`");
}

export const notification: Noun = {
  brief: "Who is told of what happens",
  verbs: {
    create: command({
      brief: "Make or replace a notification",
      flags: {
        name: flags.name("notification"),
        events: flag.many("What it tells of: job.failed model.registered data.create ...; `*` is any text", {
          placeholder: "event",
        }),
        about: flag.text("Only of what is named so; may hold `*`", { placeholder: "name" }),
        webhook: flag.text("Address that is sent signed JSON", { placeholder: "url" }),
        slack: flag.text("Address of an incoming webhook of Slack", { placeholder: "url" }),
        console: flag.is("The output of `yard up`"),
        topic: flag.text("Topic of SNS, in an AWS home", { placeholder: "arn" }),
        email: flag.text("Mailbox, in an AWS home; it is asked first", { placeholder: "address" }),
        disabled: flag.is("Switched off"),
      },
      run: async (ctx, given) => {
        if (given.events.length === 0) throw missing("what it tells of", "`--events job.failed`");
        const { client, workspace } = await ctx.link();
        const body = {
          events: given.events.flatMap((text) => text.split(/[\s,]+/)).filter((text) => text !== ""),
          ...(given.about === undefined ? {} : { name: given.about }),
          channel: channelOf(given),
          ...(given.disabled ? { is_enabled: false } : {}),
        };
        const made = await client.call(routes.put, { params: { workspace, name: given.name }, body });
        if (made.secret !== undefined) ctx.warn("the secret is shown this once");
        return one(made, briefOf);
      },
    }),
    list: command({
      brief: "Notifications",
      flags: { maxResults: flags.maxResults() },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const ask = (query: { limit: number; cursor?: string }) =>
          client.call(routes.list, { params: { workspace }, query });
        return list(await collect(ctx, given.maxResults, ask), COLUMNS);
      },
    }),
    test: command({
      brief: "Send one now",
      flags: { name: flags.name("notification") },
      run: async (ctx, { name }) => {
        const { client, workspace } = await ctx.link();
        await client.call(routes.test, { params: { workspace, name } });
        return nothing();
      },
    }),
    delete: command({
      brief: "Forget a notification",
      flags: { name: flags.name("notification"), yes: flags.yes() },
      run: async (ctx, { name, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete notification ${name}?`);
        await client.call(routes.delete, { params: { workspace, name } });
        return nothing();
      },
    }),
  },
};
