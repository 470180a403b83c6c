import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { checkPostAddress, postJson } from "../../src/adapters/datastores/post.ts";
import { data, models, notifications, schedules } from "../../src/client/routes.ts";
import type { Channel } from "../../src/contract/notifications.ts";
import { expectCode } from "../helpers/ports.ts";
import { openScheduleFrame, type ScheduleFrame } from "../helpers/schedule-frame.ts";

const workspace = "default";
const named = (name: string) => ({ params: { workspace, name } });
const FOLDER = "azureml://datastores/workspaceblobstore/paths/folder";

interface Hook {
  readonly url: string;
  readonly got: { readonly body: string; readonly headers: IncomingHttpHeaders }[];
  status: number;
}

/** Somebody's web server, on this machine. */
async function openHook(): Promise<Hook> {
  const hook = { url: "", got: [] as Hook["got"], status: 204 };
  const server: Server = createServer(async (request, response) => {
    hook.got.push({ body: await text(request), headers: request.headers });
    response.writeHead(hook.status, { location: hook.url }).end("secret");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  hook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=k`;
  return hook;
}

const put = (frame: ScheduleFrame, name: string, events: string[], channel: Channel, about?: string) =>
  frame.client.call(notifications.put, {
    ...named(name),
    body: { events, channel, ...(about === undefined ? {} : { name: about }) },
  });

async function settle(frame: ScheduleFrame): Promise<void> {
  await frame.seen();
  await frame.post.deliver();
}

const makeData = (frame: ScheduleFrame, name: string) =>
  frame.client.call(data.create, { ...named(name), body: { path: FOLDER } });

test("tells a webhook what happened, signed; of what it asked for, once", async () => {
  const frame = await openScheduleFrame({ privateWebhooks: true });
  const hook = await openHook();
  const made = await put(frame, "hook", ["data.create"], { type: "webhook", url: hook.url }, "train*");

  await makeData(frame, "train");
  await makeData(frame, "other");
  await settle(frame);

  expect(hook.got).toHaveLength(1);
  const [{ body, headers } = { body: "", headers: {} }] = hook.got;
  expect(JSON.parse(body)).toMatchObject({ event: "data.create", workspace, name: "train:1", actor: "user:owner" });
  const [, time, mac] = /^t=(\d+),v1=(\w+)$/.exec(String(headers["x-trainyard-signature"])) ?? [];
  expect(mac).toBe(
    createHmac("sha256", made.secret ?? "")
      .update(`${time}.${body}`)
      .digest("hex"),
  );
  const shown = await frame.client.call(notifications.list, { params: { workspace } });
  expect(JSON.stringify(shown)).not.toMatch(/key=k|secret/);
});

test("tells Slack in its own form, and the console in a line", async () => {
  const frame = await openScheduleFrame({ privateWebhooks: true });
  const hook = await openHook();
  await put(frame, "slack", ["model.registered"], { type: "slack", url: hook.url });
  await put(frame, "console", ["model.*"], { type: "console" });

  const uri = `${FOLDER}/m.bin`;
  await frame.ground.objects.put("ws/default/datastore/folder/m.bin", new Uint8Array([1]));
  await frame.client.call(models.create, { ...named("m <!channel>"), body: { path: uri, type: "custom_model" } });
  await settle(frame);

  expect(hook.got.map(({ body }) => JSON.parse(body))).toEqual([
    { text: "[default] model.registered: model `m &lt;!channel&gt;` registered (user:owner)" },
  ]);
  expect(frame.printed).toEqual([
    "[default] model.create: model `m <!channel>` made\n",
    "[default] model.registered: model `m <!channel>` registered\n",
  ]);
});

test("tries again what was not taken, and shows why", async () => {
  const frame = await openScheduleFrame({ privateWebhooks: true });
  const hook = await openHook();
  await put(frame, "hook", ["data.*"], { type: "webhook", url: hook.url });
  hook.status = 500;

  await makeData(frame, "train");
  await frame.seen();
  await expect(frame.post.deliver()).rejects.toThrow("answered 500");

  const [shown] = (await frame.client.call(notifications.list, { params: { workspace } })).items;
  expect(shown?.last_failure?.reason).toMatch(/^`127\.0\.0\.1:\d+` answered 500$/);
  await expectCode(() => frame.client.call(notifications.test, named("hook")), "DatastoreUnreachable");
  hook.status = 200;
  await frame.client.call(notifications.test, named("hook"));
  expect(JSON.parse(hook.got.at(-1)?.body ?? "")).toMatchObject({ event: "notification.test" });
});

test("tells of a schedule that could not do what it is for", async () => {
  const frame = await openScheduleFrame();
  await put(frame, "console", ["schedule.fail"], { type: "console" });
  await makeData(frame, "gone");
  const body = { trigger: { type: "webhook" as const }, refresh_data: { name: "gone" } };
  await frame.client.call(schedules.put, { ...named("s"), body });
  await frame.client.call(data.delete, { params: { workspace, name: "gone", version: "1" } });

  await frame.client.call(schedules.trigger, { ...named("s"), body: {} });
  await frame.post.deliver();
  await settle(frame);

  expect(frame.printed).toEqual([expect.stringMatching(/schedule\.fail: .* has no data asset `gone`/)]);
});

test("reaches no private address, whatever it is called, and goes nowhere else", async () => {
  const frame = await openScheduleFrame();
  const refused = [
    "http://127.0.0.1/x",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/x",
    "http://[::ffff:10.0.0.1]/x",
    "http://0x7f000001/x",
    "https://192.168.1.1/x",
    "https://user:pass@example.com/x",
  ];
  for (const url of refused)
    await expectCode(() => put(frame, "bad", ["job.failed"], { type: "webhook", url }), "InvalidArgument");
  for (const channel of [
    { type: "email", address: "a@example.com" },
    { type: "sns", topic_arn: "arn:aws:sns:us-east-1:123456789012:t" },
  ] as const)
    await expectCode(() => put(frame, "bad", ["job.failed"], channel), "NotSupported");
  expect((await frame.client.call(notifications.list, { params: { workspace } })).items).toEqual([]);

  const hook = await openHook();
  const byName = new URL(hook.url);
  byName.hostname = "localhost";
  // A name is judged by what it means when it is asked, not before.
  expect(checkPostAddress(byName.href, false).hostname).toBe("localhost");
  await expectCode(() => postJson(byName.href, "{}", { allowPrivate: false }), "InvalidArgument");
  expect(hook.got).toEqual([]);
  hook.status = 302;
  await expectCode(() => postJson(hook.url, "{}", { allowPrivate: true }), "DatastoreUnreachable");
  expect(hook.got).toHaveLength(1);
});
