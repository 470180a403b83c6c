import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { mockClient } from "aws-sdk-client-mock";
import { expect, test } from "vitest";
import { announce } from "../../../../src/adapters/aws/announce.ts";
import type { Item } from "../../../../src/core/ports/table.ts";
import { expectCode } from "../../../helpers/ports.ts";

const activity = (id: string, more: Partial<Item> = {}): Item => ({
  pk: "W#wines#ACTIVITY#2026-11",
  sk: id,
  type: "activity",
  v: 1,
  id,
  at: "2026-11-21T18:00:00.000Z",
  actor: "user:ada",
  resource: "model",
  name: "m",
  action: "create",
  summary: "model `m` made",
  ...more,
});

test("activities go to the bus by ten, a job's moves under a name of their own", async () => {
  const client = new EventBridgeClient({});
  const mock = mockClient(client).on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  const moved = activity("a11", { resource: "job", action: "status", name: "j", after: { status: "Running" } });

  await announce(client, "home", [...Array.from({ length: 11 }, (_, at) => activity(`a${at}`)), moved]);

  const sent = mock.commandCalls(PutEventsCommand).map(({ args }) => args[0].input.Entries ?? []);
  expect(sent.map((entries) => entries.length)).toEqual([10, 2]);
  expect(sent[1]?.map(({ EventBusName, Source, DetailType }) => [EventBusName, Source, DetailType])).toEqual([
    ["home", "trainyard", "Activity"],
    ["home", "trainyard", "Job State Change"],
  ]);
  expect(JSON.parse(sent[1]?.[1]?.Detail ?? "")).toEqual({
    id: "a11",
    at: "2026-11-21T18:00:00.000Z",
    workspace: "wines",
    actor: "user:ada",
    resource: "job",
    name: "j",
    action: "status",
    summary: "model `m` made",
    after: { status: "Running" },
  });
});

test("one that was not taken is told, so that all come again", async () => {
  const client = new EventBridgeClient({});
  mockClient(client)
    .on(PutEventsCommand)
    .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: "InternalFailure", ErrorMessage: "try later" }] });

  await expectCode(announce(client, "home", [activity("a")]), "Unavailable");
});
