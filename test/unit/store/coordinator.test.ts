import { describe, expect, it, onTestFinished } from "vitest";
import { openHome } from "../../../src/adapters/local/home.ts";
import type { CoordinationStore } from "../../../src/core/coordinator/ports.ts";
import { openCoordinationStore } from "../../../src/store/coordinator.ts";
import { makeTempDir } from "../../helpers/ports.ts";

const JOB = { workspace: "w", job: "p" };
const begin = { cause: "begin", event: { kind: "begin", atMs: 1 } } as const;
const refused = (child: string, reason: string) =>
  ({ cause: `refused#${child}`, event: { kind: "refused", child, reason, atMs: 2 } }) as const;

async function open(options: { readonly remembers?: boolean } = {}): Promise<() => CoordinationStore> {
  const folder = makeTempDir();
  const home = await openHome({ dir: folder.path });
  onTestFinished(async () => {
    await home.close();
    folder.remove();
  });
  return () => openCoordinationStore({ table: home.table, ...options });
}

describe("what a composite job is decided by", () => {
  it("is one row a cause, whoever tells it, and gone when it was folded", async () => {
    const store = (await open())();
    await store.tell("w", "p", begin);
    await store.tell("w", "p", refused("a", "first"));
    await store.tell("w", "p", refused("a", "second"));

    const rows = await store.inbox("w", "p", 90);
    await store.decide(JOB, 0, { rev: 1, state: {}, pending: [] }, ["begin"]);

    expect(rows).toEqual([begin, refused("a", "first")]);
    expect(await store.inbox("w", "p", 90)).toEqual([refused("a", "first")]);
    expect(await store.inbox("w", "other", 90)).toEqual([]);
  });

  it("has one next revision; who comes second changes nothing", async () => {
    const store = (await open())();
    await store.tell("w", "p", begin);
    const decide = (state: string) => store.decide(JOB, 0, { rev: 1, state, pending: [] }, ["begin"]);

    const won = await Promise.all([decide("one"), decide("two")]);

    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await store.read("w", "p"))?.state).toBe(won[0] ? "one" : "two");
    expect(await decide("three")).toBe(false);
  });

  it("comes back as it was, however long it is", async () => {
    const store = (await open())();
    const children = Array.from({ length: 1000 }, (_, i) => ({ child: `step-${i}`, node: `step-${i}` }));
    const record = { rev: 1, state: { marks: "o".repeat(100_000) }, pending: [{ kind: "submit", children }] } as const;

    await store.decide(JOB, 0, record, []);

    expect(await store.read("w", "p")).toEqual(record);
  });

  it("is pending until it was done: for everybody where it is written down, for this process where it is remembered", async () => {
    const record = { rev: 1, state: {}, pending: [{ kind: "cancel", child: "a", reason: "b" }] } as const;
    for (const remembers of [false, true]) {
      const again = await open({ remembers });
      const store = again();
      await store.decide(JOB, 0, record, []);
      const before = await store.read("w", "p");
      await store.performed("w", "p", 1);

      expect(before?.pending).toHaveLength(1);
      expect((await store.read("w", "p"))?.pending).toEqual([]);
      expect((await again().read("w", "p"))?.pending).toHaveLength(remembers ? 1 : 0);
    }
  });
});
