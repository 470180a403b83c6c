import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openHome } from "../../../src/runner/home.ts";
import { materialize } from "../../../src/runner/materialize.ts";
import { baseAssignment, tempFolder } from "../../helpers/attempt.ts";
import { type FakeListing, startFakeHome } from "../../helpers/fake-home.ts";

const URI = "azureml://trees/x";

async function open(listing: FakeListing) {
  const fake = await startFakeHome({ assignment: baseAssignment, listings: { [URI]: listing } });
  onTestFinished(() => fake.stop());
  const folder = tempFolder();
  const request = {
    apiUrl: fake.url,
    token: "t",
    workspace: "default",
    runId: "r",
    attemptId: "r.1",
    folder,
    cacheDir: folder,
    sameHost: false,
  };
  const home = openHome(request, new AbortController(), 0);
  const target = join(folder, "target");
  return { target, bring: () => materialize({ home, uri: URI, folder: target, sameHost: false, link: true }) };
}

describe("materialize over HTTP", () => {
  it("brings the bytes that were promised", async () => {
    const { target, bring } = await open({ files: [{ path: "a/b.txt", content: "whole" }] });

    expect(await bring()).toEqual({ path: target, files: 1, bytes: 5 });
    expect(readFileSync(join(target, "a/b.txt"), "utf8")).toBe("whole");
  });

  it.each([
    ["other bytes of the same length", "wrong"],
    ["too few bytes", "w"],
  ])("refuses %s and leaves no part of them", async (_, served) => {
    const { target, bring } = await open({ files: [{ path: "b.txt", content: "whole", served }] });

    await expect(bring()).rejects.toThrow(/`b.txt` arrived with other bytes/);
    expect(readdirSync(target)).toEqual([]);
  });
});
