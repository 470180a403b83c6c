import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openObjects } from "../../../src/adapters/local/objects.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { describeObjects } from "../describe-objects.ts";

describeObjects("files", async () => {
  const folder = makeTempDir();
  return { port: openObjects({ dir: join(folder.path, "objects") }), cleanup: async () => folder.remove() };
});

function tempDir(): string {
  const folder = makeTempDir();
  onTestFinished(folder.remove);
  return folder.path;
}

const bytes = new TextEncoder().encode("bytes");

test("keys are paths, and deleting the last object of a folder removes the folder", async () => {
  const dir = tempDir();
  const objects = openObjects({ dir });

  await objects.put("ws/default/Modell ü/MLmodel.yml", bytes);
  expect(readFileSync(join(dir, "ws", "default", "Modell ü", "MLmodel.yml"), "utf8")).toBe("bytes");
  expect(objects.localPath("ws/default/Modell ü/MLmodel.yml")).toBe(
    join(dir, "ws", "default", "Modell ü", "MLmodel.yml"),
  );
  await objects.delete(["ws/default/Modell ü/MLmodel.yml"]);

  expect(readdirSync(dir)).toEqual(["%tmp"]);
});

test("what an interrupted step leaves is no object: empty folders, an older twin, temporary files, links", async () => {
  const dir = tempDir();
  mkdirSync(join(dir, "empty", "deep"), { recursive: true });
  mkdirSync(join(dir, "%tmp"));
  writeFileSync(join(dir, "twin%file"), "older");
  writeFileSync(join(dir, "twin"), "new");
  writeFileSync(join(dir, "%tmp", `${process.pid}-0-1`), "of a process that had our id");
  symlinkSync("/etc/hostname", join(dir, "link"));

  const objects = openObjects({ dir });
  const listed = await objects.list({ prefix: "", delimiter: "/" });

  expect(listed.prefixes).toEqual([]);
  expect(listed.objects.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([["twin", 3]]);
  expect(readdirSync(join(dir, "%tmp"))).toEqual([]);
  expect(await objects.get("link")).toBeUndefined();
  await objects.delete(["twin"]);
  expect(await objects.head("twin")).toBeUndefined();
});

test("another living process's temporary files stay", () => {
  const dir = tempDir();
  const theirs = `${process.ppid}-abcd-1`;
  mkdirSync(join(dir, "%tmp"));
  writeFileSync(join(dir, "%tmp", theirs), "being written");

  openObjects({ dir });

  expect(readdirSync(join(dir, "%tmp"))).toEqual([theirs]);
});
