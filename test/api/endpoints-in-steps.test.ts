import { describe, expect, it } from "vitest";
import { AppError } from "../../src/contract/errors.ts";
import { DELETE_TOPIC, SETTLE_TOPIC } from "../../src/core/endpoints/ports.ts";
import type { Bus } from "../../src/core/ports/bus.ts";
import { settleByMessages } from "../../src/home/settling.ts";
import { openEndpointFrame, SPEC } from "../helpers/endpoint-frame.ts";

const blue = "/shop/deployments/blue";

/** As in AWS, where a function ends with its message and asks for another look. */
describe("a deployment where nobody waits", () => {
  async function open() {
    const frame = await openEndpointFrame({ waits: false });
    await frame.ask("PUT", "/shop", {});
    return frame;
  }

  it("is looked at again while its environment is built, and says so; the build goes on where it was", async () => {
    const { ask, builds, settle } = await open();
    await ask("PUT", blue, SPEC);

    builds.underWay = "the image is being built";
    const first = await settle("shop", "blue");
    const shown = await ask("GET", blue);
    const second = await settle("shop", "blue");
    builds.underWay = undefined;
    const third = await settle("shop", "blue");

    expect([first, second, third]).toEqual(["later", "later", "settled"]);
    expect(builds.since).toEqual([undefined, "after undefined", "after after undefined"]);
    expect(shown.json).toMatchObject({ provisioning_state: "Creating", reason: "the image is being built" });
    const ready = (await ask("GET", blue)).json;
    expect(ready).toMatchObject({ provisioning_state: "Succeeded", live_revision: 1 });
    expect(ready.reason).toBeUndefined();
  });

  it("waits, and says why, while what builds is out of reach", async () => {
    const { ask, builds, settle } = await open();
    await ask("PUT", blue, SPEC);

    builds.fail = new AppError("Unavailable", "as many builds as the account may have");
    const first = await settle("shop", "blue");
    const shown = await ask("GET", blue);
    delete builds.fail;
    const second = await settle("shop", "blue");

    expect([first, second]).toEqual(["later", "settled"]);
    expect(shown.json).toMatchObject({
      provisioning_state: "Creating",
      reason: "as many builds as the account may have",
    });
    expect((await ask("GET", blue)).json.provisioning_state).toBe("Succeeded");
  });

  it("is looked at again while its replicas come up, and answers who asks at once", async () => {
    const { ask, host, settle } = await open();
    host.states.set(1, { state: "starting", addresses: [] });
    await ask("PUT", blue, SPEC);

    const coming = await settle("shop", "blue");
    const shown = await ask("GET", `${blue}?wait_ms=20000`);
    host.states.delete(1);
    const done = await settle("shop", "blue");

    expect([coming, done]).toEqual(["later", "settled"]);
    expect(shown.json.provisioning_state).toBe("Creating");
    expect(host.started).toHaveLength(1);
  });

  it("has succeeded once the new revision is live, while the old one drains", async () => {
    const { ask, host, refreshed, settle } = await open();
    await ask("PUT", blue, SPEC);
    await settle("shop", "blue");
    await ask("PUT", blue, { ...SPEC, environment_variables: { A: "1" } });

    host.drains = 1;
    refreshed.length = 0;
    const draining = await settle("shop", "blue");
    const shown = await ask("GET", blue);
    const done = await settle("shop", "blue");

    expect([draining, done]).toEqual(["later", "settled"]);
    expect(shown.json).toMatchObject({ provisioning_state: "Succeeded", live_revision: 2 });
    expect(refreshed.length).toBeGreaterThan(0);
    expect(host.stopped).toHaveLength(1);
    expect(await settle("shop", "blue")).toBe("settled");
  });

  it("goes on to a newer revision while an older one drains, and forgets neither", async () => {
    const { ask, host, settle } = await open();
    await ask("PUT", blue, SPEC);
    await settle("shop", "blue");
    await ask("PUT", blue, { ...SPEC, environment_variables: { A: "1" } });
    host.drains = 6;
    await settle("shop", "blue");
    host.states.set(3, { state: "failed", addresses: [], reason: "no such grape" });
    await ask("PUT", blue, { ...SPEC, environment_variables: { A: "2" } });

    const draining = await settle("shop", "blue");
    const shown = await ask("GET", blue);
    host.drains = 0;
    const done = await settle("shop", "blue");

    expect([draining, done]).toEqual(["later", "settled"]);
    expect(shown.json).toMatchObject({ provisioning_state: "Failed", live_revision: 2, reason: "no such grape" });
    expect(host.stopped.map(({ handle }) => handle.split("/")[3]).sort()).toEqual(["1", "3"]);
  });

  it("fails when its host refuses it for good", async () => {
    const { ask, host, settle } = await open();
    await ask("PUT", blue, SPEC);
    host.refuse = "this account's functions can't have 9000 MB";

    expect(await settle("shop", "blue")).toBe("settled");
    expect((await ask("GET", blue)).json).toMatchObject({
      provisioning_state: "Failed",
      reason: "this account's functions can't have 9000 MB",
    });
  });

  it("is asked for again by a message that is due in some seconds, once for each such time", async () => {
    const frame = await open();
    const { ask, builds, endpoints } = frame;
    const handlers = new Map<string, Parameters<Bus["subscribe"]>[1]>();
    const sent: { readonly topic: string; readonly id: string; readonly delaySec: number | undefined }[] = [];
    const bus: Pick<Bus, "send" | "subscribe"> = {
      subscribe: (topic, handler) => void handlers.set(topic, handler),
      send: async (messages, options) =>
        void sent.push(...messages.map(({ topic, id }) => ({ topic, id, delaySec: options?.delaySec }))),
    };
    const clock = { now: () => 12_000 };
    const settling = settleByMessages(bus, { ...frame, clock }, new AbortController().signal);
    await ask("PUT", blue, SPEC);
    builds.underWay = "the image is being built";
    const body = { workspace: "default", endpoint: "shop", deployment: "blue" };
    const message = { topic: SETTLE_TOPIC, id: "m", body, attempt: 1 };

    await handlers.get(SETTLE_TOPIC)?.(message);
    await handlers.get(SETTLE_TOPIC)?.(message);
    builds.underWay = undefined;
    await handlers.get(SETTLE_TOPIC)?.(message);

    const again = { topic: SETTLE_TOPIC, id: "default/shop/blue/at.20", delaySec: 8 };
    expect(sent).toEqual([again, again]);
    expect(await endpoints.unsettled()).toEqual([]);
    await ask("DELETE", "/shop");
    await settling.resume();
    expect(sent.at(-1)).toMatchObject({ topic: DELETE_TOPIC, id: "default/shop/resume.12000" });
  });

  it("goes with its endpoint after the answer, when requests have had their time", async () => {
    const { ask, host, settle, settleDeleted } = await open();
    await ask("PUT", blue, SPEC);
    await settle("shop", "blue");
    host.drains = 1;

    const answered = await ask("DELETE", "/shop");
    const meanwhile = await ask("GET", "/shop");
    const ends = [await settleDeleted("shop"), await settleDeleted("shop"), await settleDeleted("shop")];

    expect(answered.status).toBe(200);
    expect(meanwhile.json.provisioning_state).toBe("Deleting");
    expect(ends).toEqual(["later", "later", "settled"]);
    expect((await ask("GET", "/shop")).status).toBe(404);
  });
});
