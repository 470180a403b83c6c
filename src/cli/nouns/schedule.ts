import { schedules as routes } from "../../client/routes.ts";
import type { Firing, Schedule, ScheduleSpec } from "../../contract/schedules.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { ago, collect, confirm, flags, keyValues } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";
import { takeInSchedule } from "../take-in.ts";

const COLUMNS: readonly Column<Schedule>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Trigger", of: (it) => triggerText(it) },
  { head: "On", of: (it) => (it.is_enabled ? "yes" : "no") },
  { head: "Next", of: (it) => it.next_at },
];
const FIRINGS: readonly Column<Firing>[] = [
  { head: "At", of: (it) => ago(it.at) },
  { head: "Cause", of: (it) => it.cause.summary },
  { head: "State", of: (it) => it.state },
  { head: "Made", of: (it) => it.job ?? it.data },
  { head: "Reason", of: (it) => it.reason },
];

function triggerText({ trigger }: Schedule): string {
  switch (trigger.type) {
    case "cron":
      return `${trigger.expression} (${trigger.time_zone ?? "UTC"})`;
    case "recurrence":
      return `every ${trigger.interval === 1 ? "" : `${trigger.interval} `}${trigger.frequency} (${trigger.time_zone ?? "UTC"})`;
    case "file":
      return `file ${trigger.path}`;
    default:
      return "name" in trigger && trigger.name !== undefined ? `${trigger.type} ${trigger.name}` : trigger.type;
  }
}

function briefOf(it: Schedule): [string, unknown][] {
  return [
    ["Name", it.name],
    ["Trigger", triggerText(it)],
    ["On", it.is_enabled ? "yes" : "no"],
    ["Next", it.next_at],
    ["Last", it.last === undefined ? undefined : `${it.last.at}: ${it.last.job ?? it.last.data ?? it.last.reason}`],
    ["Missed runs", `${it.missed_runs}${it.skipped === 0 ? "" : `; ${it.skipped} times passed without a run`}`],
    ["Refreshes", it.refresh_data?.name],
    ["Webhook", it.webhook_url],
    ["Secret", it.webhook_secret],
    ["Description", it.description],
    ["Tags", it.tags],
    ["Created", `${it.created_at} by ${it.created_by}`],
  ];
}

const named = (brief: string, run: (ctx: Ctx, name: string) => ReturnType<ReturnType<typeof command>["run"]>) =>
  command({
    brief,
    flags: { name: flags.name("schedule"), noWait: flags.noWait() },
    run: (ctx, { name }) => run(ctx, name),
  });

async function put(ctx: Ctx, name: string | undefined, spec: ScheduleSpec) {
  if (name === undefined) throw missing("the name", "`--name NAME`");
  const { client, workspace } = await ctx.link();
  const made = await client.call(routes.put, { params: { workspace, name }, body: spec });
  if (made.webhook_secret !== undefined) ctx.warn("the webhook's secret is shown this once");
  return one(made, briefOf);
}

async function change(
  ctx: Ctx,
  name: string,
  body: { is_enabled?: boolean; description?: string; display_name?: string },
) {
  const { client, workspace } = await ctx.link();
  return one(await client.call(routes.update, { params: { workspace, name }, body }), briefOf);
}

const fromFile = {
  name: flags.maybeName("schedule"),
  file: flags.file(),
  set: flags.set(),
  noWait: flags.noWait(),
};

export const schedule: Noun = {
  brief: "Jobs at times, and when something happens",
  verbs: {
    create: command({
      brief: "Make or replace a schedule from a file; the files of its job are uploaded",
      flags: fromFile,
      run: async (ctx, given) => {
        const { name, spec } = await takeInSchedule(ctx, given.file, { set: given.set, name: given.name });
        return put(ctx, name, spec);
      },
    }),
    list: command({
      brief: "Schedules",
      flags: {
        maxResults: flags.maxResults(),
        enabledOnly: flag.is("Only those that are switched on"),
        disabledOnly: flag.is("Only those that are switched off"),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const ask = (query: { limit: number; cursor?: string }) =>
          client.call(routes.list, { params: { workspace }, query });
        const found = await collect(ctx, given.maxResults, ask);
        const hidden = given.enabledOnly ? false : given.disabledOnly ? true : undefined;
        return list(
          found.filter((it) => it.is_enabled !== hidden),
          COLUMNS,
        );
      },
    }),
    show: named("One schedule", async (ctx, name) => {
      const { client, workspace } = await ctx.link();
      return one(await client.call(routes.get, { params: { workspace, name } }), briefOf);
    }),
    update: command({
      brief: "Replace a schedule by a file, or change its words",
      flags: {
        ...fromFile,
        file: flags.maybeFile(),
        displayName: flag.text("Name for people", { placeholder: "text" }),
        description: flag.text("What it is for", { placeholder: "text" }),
      },
      run: async (ctx, given) => {
        if (given.file !== undefined) {
          const { name, spec } = await takeInSchedule(ctx, given.file, { set: given.set, name: given.name });
          return put(ctx, name, spec);
        }
        if (given.set.length > 0)
          throw missing("the file that `--set` changes", "`yard schedule update --file FILE --set ...`");
        if (given.name === undefined) throw missing("the name or the file", "`yard schedule update --name NAME ...`");
        return change(ctx, given.name, {
          ...(given.displayName === undefined ? {} : { display_name: given.displayName }),
          ...(given.description === undefined ? {} : { description: given.description }),
        });
      },
    }),
    enable: named("Switch a schedule on", (ctx, name) => change(ctx, name, { is_enabled: true })),
    disable: named("Switch a schedule off", (ctx, name) => change(ctx, name, { is_enabled: false })),
    delete: command({
      brief: "Forget a schedule; the jobs it submitted stay",
      flags: { name: flags.name("schedule"), yes: flags.yes(), noWait: flags.noWait() },
      run: async (ctx, { name, yes }) => {
        const { client, workspace } = await ctx.link();
        await confirm(ctx, yes, `delete schedule ${name}?`);
        await client.call(routes.delete, { params: { workspace, name } });
        return nothing();
      },
    }),
    trigger: command({
      brief: "Fire a schedule now",
      flags: {
        name: flags.name("schedule"),
        values: flag.many("What its job's inputs name as ${{trigger.KEY}}: key=value ...", {
          placeholder: "key=value",
        }),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const values = keyValues("--values", given.values);
        return one(await client.call(routes.trigger, { params: { workspace, name: given.name }, body: { values } }));
      },
    }),
    next: command({
      brief: "When a schedule fires next",
      flags: {
        name: flags.name("schedule"),
        count: flag.number("So many times; default 10", { placeholder: "count" }),
      },
      run: async (ctx, { name, count }) => {
        const { client, workspace } = await ctx.link();
        const query = count === undefined ? {} : { count };
        const { times, time_zone } = await client.call(routes.next, { params: { workspace, name }, query });
        const rows = times.map((at) => ({ at, local: inZone(at, time_zone) }));
        return list(rows, [
          { head: "UTC", of: (it) => it.at },
          { head: time_zone, of: (it) => it.local },
        ]);
      },
    }),
    firings: command({
      brief: "What a schedule did, newest first",
      flags: { name: flags.name("schedule"), maxResults: flags.maxResults() },
      run: async (ctx, { name, maxResults }) => {
        const { client, workspace } = await ctx.link();
        const ask = (query: { limit: number; cursor?: string }) =>
          client.call(routes.firings, { params: { workspace, name }, query });
        return list(await collect(ctx, maxResults ?? 100, ask), FIRINGS);
      },
    }),
  },
};

function inZone(at: string, timeZone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" }).format(new Date(at));
}
