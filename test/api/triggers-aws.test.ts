import { expect, test } from "vitest";
import type { BucketEars } from "../../lambdas/home/ears.ts";
import type { Topics } from "../../src/adapters/aws/topics.ts";
import { files as fileRoutes, notifications, schedules } from "../../src/client/routes.ts";
import type { NotificationSpec } from "../../src/contract/notifications.ts";
import type { ScheduleSpec, Trigger } from "../../src/contract/schedules.ts";
import { scheduleKey } from "../../src/store/facts/keys.ts";
import { expectCode } from "../helpers/ports.ts";
import { openScheduleFrame, type ScheduleFrame } from "../helpers/schedule-frame.ts";

const workspace = "default";
const named = (name: string) => ({ params: { workspace, name } });
const PATH = "azureml://datastores/workspaceblobstore/paths/in";
const NOON = Date.parse("2026-05-05T12:00:00.000Z");
const MINUTE = 60_000;

type Rule = Parameters<BucketEars["rules"]["put"]>[0];

/** The AWS home's rooms, with the account's rules and topics on a list. */
async function open(hasOwnBucket = false) {
  const rules = new Map<string, Rule>();
  const told: string[] = [];
  const ears: BucketEars = {
    rules: {
      put: async (rule) => void rules.set(rule.name, rule),
      remove: async (name) => void rules.delete(name),
    },
    listenTo: async (bucket) => void told.push(`hears ${bucket}`),
  };
  const topics: Topics = {
    check: (arn) => void told.push(`checks ${arn}`),
    subscribe: async (address) => void told.push(`asks ${address}`),
    publish: async (to, subject) => void told.push(`to ${JSON.stringify(to)}: ${subject}`),
  };
  const aws = {
    bucketName: "bucket",
    hasOwnBucket: async () => hasOwnBucket,
    ears: async () => ears,
    topics: async () => topics,
  };
  const frame = await openScheduleFrame({ aws });
  frame.now.ms = NOON;
  /** An event that a rule sends to the queue. */
  const hear = async (rule: Rule, event: object) => {
    frame.post.waiting.push({ topic: rule.topic, id: "event", body: { ...rule.body, event: event as never } });
    await frame.post.deliver();
  };
  return { frame, rules, told, hear };
}

const SPEC: Pick<ScheduleSpec, "create_job"> = {
  create_job: { spec: { type: "command", command: "true", environment: "azureml:python-3.11" } },
};
const put = (frame: ScheduleFrame, name: string, trigger: Trigger) =>
  frame.client.call(schedules.put, { ...named(name), body: { trigger, ...SPEC } });
const firings = async (frame: ScheduleFrame, name: string) =>
  (await frame.client.call(schedules.firings, named(name))).items;
const arrival = (key: string, sequencer: string) => ({ id: key, time: "t", detail: { object: { key, sequencer } } });

test("files of the home's bucket are told by a rule, which goes with what it is for", async () => {
  const { frame, rules, told, hear } = await open();
  await put(frame, "arrivals", { type: "file", path: PATH, pattern: "*.csv" });
  const [rule] = rules.values();
  if (rule === undefined) throw new Error("there is no rule");

  expect(told).toEqual(["hears bucket"]);
  expect(rule.pattern).toMatchObject({
    detail: { bucket: { name: ["bucket"] }, object: { key: [{ prefix: "ws/default/datastore/in/" }] } },
  });
  for (const sequencer of ["1", "1", "2"]) await hear(rule, arrival("ws/default/datastore/in/a.csv", sequencer));
  for (const key of ["in/b.txt", "in/deep/c.csv", "in/", "elsewhere/d.csv"])
    await hear(rule, arrival(`ws/default/datastore/${key}`, "1"));
  const fired = await firings(frame, "arrivals");
  expect(fired.map(({ cause }) => cause.values.uri)).toEqual([`${PATH}/a.csv`, `${PATH}/a.csv`]);

  await frame.client.call(schedules.update, { ...named("arrivals"), body: { is_enabled: false } });
  expect(rules.size).toBe(0);
  await hear(rule, arrival("ws/default/datastore/in/z.csv", "1"));
  expect(await firings(frame, "arrivals")).toHaveLength(2);
  await frame.client.call(schedules.update, { ...named("arrivals"), body: { is_enabled: true } });
  await put(frame, "arrivals", { type: "cron", expression: "0 0 1 1 *" });
  expect(rules.size).toBe(0);
});

test("events of the account fire as they are asked for; a rule that nobody waits for goes", async () => {
  const { frame, rules, hear } = await open();
  const pattern = { source: ["aws.ec2"] };
  await put(frame, "events", { type: "event", pattern });
  const [rule] = rules.values();
  if (rule === undefined) throw new Error("there is no rule");
  expect(rule.pattern).toEqual(pattern);

  const event = {
    id: "e1",
    source: "aws.ec2",
    "detail-type": "State",
    time: "t",
    detail: { state: "stopped", deep: {} },
  };
  await hear(rule, event);
  await hear(rule, event);
  const [fired, ...others] = await firings(frame, "events");
  expect([fired?.cause.values, others]).toEqual([
    { event: "e1", source: "aws.ec2", detail_type: "State", time: "t", state: "stopped" },
    [],
  ]);

  await put(frame, "freed", { type: "event", pattern });
  const freed = [...rules.values()].find(({ body }) => body.name === "freed") ?? rule;
  await frame.ground.table.transact([{ kind: "delete", key: scheduleKey(workspace, "freed") }]);
  expect(rules.size).toBe(2);
  await hear(freed, event);
  expect([...rules.values()]).toEqual([rule]);
  await frame.client.call(schedules.delete, named("events"));
  expect(rules.size).toBe(0);
});

test("places that tell nobody are looked at every five minutes", async () => {
  const { frame, rules } = await open(true);
  const write = (name: string) =>
    frame.client.call(fileRoutes.write, {
      params: { workspace },
      query: { uri: `${PATH}/${name}` },
      body: new Uint8Array([1]),
    });
  await write("old");
  await put(frame, "arrivals", { type: "file", path: PATH });
  await write("new");

  await frame.post.passTo(NOON + 6 * MINUTE);
  expect(await firings(frame, "arrivals")).toEqual([]);
  await frame.post.passTo(NOON + 11 * MINUTE);
  expect((await firings(frame, "arrivals")).map(({ cause }) => cause.values.path)).toEqual(["new"]);
  await frame.client.call(schedules.delete, named("arrivals"));
  await write("newer");
  await frame.post.passTo(NOON + 60 * MINUTE);
  expect([rules.size, frame.post.waiting]).toEqual([0, []]);
});

test("notices go to topics that are meant for the home, and to mailboxes that were asked", async () => {
  const { frame, told } = await open();
  const make = (name: string, channel: NotificationSpec["channel"]) =>
    frame.client.call(notifications.put, { ...named(name), body: { events: ["job.failed"], channel } });
  const topic_arn = "arn:aws:sns:us-east-1:123456789012:trainyard-mine";

  await make("topic", { type: "sns", topic_arn });
  await make("mail", { type: "email", address: "a@example.com" });
  for (const name of ["topic", "mail"]) await frame.client.call(notifications.test, named(name));

  expect(told).toEqual([
    `checks ${topic_arn}`,
    "asks a@example.com",
    `to {"arn":"${topic_arn}"}: [default] notification.test: a test of notification \`topic\` of workspace \`default\``,
    'to {"address":"a@example.com"}: [default] notification.test: a test of notification `mail` of workspace `default`',
  ]);
  await expectCode(() => make("bad", { type: "console" }), "NotSupported");
  await expectCode(() => make("bad", { type: "webhook", url: "http://10.0.0.1/" }), "InvalidArgument");
});
