import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openHashCache } from "../../../src/cli/snapshot/hash-cache.ts";
import { hashFile, readHashed } from "../../../src/cli/snapshot/read-file.ts";
import { takeSnapshot } from "../../../src/cli/snapshot/take.ts";
import { treeIdOf } from "../../../src/client/trees.ts";
import { makeTempDir } from "../../helpers/ports.ts";

/** A folder with these files; a name that ends with a slash is an empty folder. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const dir = makeTempDir();
  onTestFinished(dir.remove);
  for (const [path, content] of Object.entries(files)) {
    const place = join(dir.path, "root", path);
    if (path.endsWith("/")) mkdirSync(place, { recursive: true });
    else {
      mkdirSync(join(place, ".."), { recursive: true });
      writeFileSync(place, content);
    }
  }
  mkdirSync(join(dir.path, "root"), { recursive: true });
  return join(dir.path, "root");
}

async function paths(root: string, options: Parameters<typeof takeSnapshot>[1] = {}): Promise<string[]> {
  const { entries } = await takeSnapshot(root, options);
  return entries
    .map((entry) =>
      entry.kind === "folder" ? `${entry.path}/` : entry.kind === "symlink" ? `${entry.path}@` : entry.path,
    )
    .sort();
}

describe("what is in a snapshot", () => {
  it("is every file, hidden ones and empty folders too, but never .git and .trainyard", async () => {
    const root = folderWith({
      "a.py": "1",
      ".env": "2",
      "d/b.py": "3",
      "empty/": "",
      ".git/HEAD": "x",
      "d/.git/HEAD": "x",
      ".trainyard/x": "x",
    });

    expect(await paths(root)).toEqual([".env", "a.py", "d/b.py", "empty/"]);
  });

  it("follows .gitignore: patterns, anchors, folders, comments, and names brought back", async () => {
    const root = folderWith({
      ".gitignore": "# data\n*.csv\n!keep.csv\n/top.txt\nbuild/\n**/cache/*.bin\nliteral\\#name\n",
      "a.csv": "",
      "keep.csv": "",
      "d/x.csv": "",
      "d/keep.csv": "",
      "top.txt": "",
      "d/top.txt": "",
      "build/out.o": "",
      "d/build/out.o": "",
      "d/cache/a.bin": "",
      "d/cache/a.txt": "",
      "literal#name": "",
    });

    expect(await paths(root)).toEqual([".gitignore", "d/cache/a.txt", "d/keep.csv", "d/top.txt", "keep.csv"]);
  });

  it("lets the ignore file of a deeper folder win, but nothing come back from a folder that is left out", async () => {
    const root = folderWith({
      ".gitignore": "*.log\nout/\n",
      "a.log": "",
      "d/.gitignore": "!wanted.log\n*.tmp\n",
      "d/wanted.log": "",
      "d/other.log": "",
      "d/x.tmp": "",
      "d/e/wanted.log": "",
      "x.tmp": "",
      "out/.gitignore": "!*\n",
      "out/a.txt": "",
    });

    expect(await paths(root)).toEqual([".gitignore", "d/.gitignore", "d/e/wanted.log", "d/wanted.log", "x.tmp"]);
  });

  it("obeys .amlignore alone where there is one", async () => {
    const root = folderWith({
      ".amlignore": "*.ckpt\n",
      ".gitignore": "*.csv\n",
      "a.csv": "",
      "a.ckpt": "",
      "d/.gitignore": "*.py\n",
      "d/b.py": "",
    });

    expect(await paths(root)).toEqual([".amlignore", ".gitignore", "a.csv", "d/.gitignore", "d/b.py"]);
  });

  it("leaves git's rules and desktop droppings out of data", async () => {
    const root = folderWith({ ".gitignore": "*\n", ".DS_Store": "", "a.csv": "", "d/.DS_Store": "", "d/b.csv": "" });
    expect(await paths(root, { asData: true })).toEqual([".gitignore", "a.csv", "d/b.csv"]);

    const ruled = folderWith({ ".amlignore": "*.tmp\n", "a.csv": "", "b.tmp": "" });
    expect(await paths(ruled, { asData: true })).toEqual(["a.csv"]);
  });

  it("keeps a folder whose content is left out from appearing as an empty one", async () => {
    const root = folderWith({ ".gitignore": "*.csv\n", "d/a.csv": "", "e/": "" });

    expect(await paths(root)).toEqual([".gitignore", "e/"]);
  });

  it("keeps names as they are on the disk: composed and decomposed, spaces, emoji", async () => {
    const composed = "caf\u00e9.txt";
    const decomposed = "cafe\u0301.txt";
    const root = folderWith({ [composed]: "1", [decomposed]: "2", "a b 🚂.py": "3" });

    const found = await paths(root);

    expect(found).toHaveLength(readdirSync(root).length);
    expect(found).toEqual(expect.arrayContaining([composed, decomposed, "a b 🚂.py"]));
  });

  it("notes executable files", async () => {
    const root = folderWith({ "run.sh": "#!/bin/sh", "a.py": "" });
    chmodSync(join(root, "run.sh"), 0o755);

    const { entries } = await takeSnapshot(root);

    expect(entries.find((entry) => entry.path === "run.sh")).toMatchObject({ executable: true });
    expect(entries.find((entry) => entry.path === "a.py")).not.toHaveProperty("executable");
  });

  it("takes one file under its own name", async () => {
    const root = folderWith({ "d/data.csv": "1,2" });

    expect(await paths(join(root, "d/data.csv"))).toEqual(["data.csv"]);
  });

  it("puts additional includes beside the code, under their own names", async () => {
    const root = folderWith({ "code/main.py": "", "shared/lib.py": "", "shared/d/x.py": "", "one.txt": "" });

    const found = await paths(join(root, "code"), { includes: [join(root, "shared"), join(root, "one.txt")] });

    expect(found).toEqual(["main.py", "one.txt", "shared/d/x.py", "shared/lib.py"]);
  });
});

describe("links", () => {
  it("that stay inside are kept, also when they were written as absolute paths", async () => {
    const root = folderWith({ "d/a.txt": "1", "b.txt": "2" });
    symlinkSync("a.txt", join(root, "d/rel"));
    symlinkSync(join(root, "b.txt"), join(root, "d/abs"));
    symlinkSync("d", join(root, "dir"));

    const { entries, warnings } = await takeSnapshot(root);

    const links = entries.flatMap((entry) => (entry.kind === "symlink" ? [[entry.path, entry.target]] : []));
    expect(Object.fromEntries(links)).toEqual({ "d/rel": "a.txt", "d/abs": "../b.txt", dir: "d" });
    expect(warnings).toEqual([]);
  });

  it("that lead out give way to what they point at, with a warning", async () => {
    const root = folderWith({ "a.txt": "1" });
    const outside = folderWith({ "data.csv": "2", "d/deep.csv": "3" });
    symlinkSync(join(outside, "data.csv"), join(root, "file"));
    symlinkSync(outside, join(root, "folder"));

    const { entries, warnings } = await takeSnapshot(root);

    expect(entries.map((entry) => `${entry.kind} ${entry.path}`).sort()).toEqual([
      "file a.txt",
      "file file",
      "file folder/d/deep.csv",
      "file folder/data.csv",
    ]);
    expect(warnings).toHaveLength(2);
  });

  it("that lead back into a folder they are in are refused", async () => {
    const root = folderWith({ "in/a.txt": "1" });
    symlinkSync("..", join(root, "in/up"));

    await expect(takeSnapshot(join(root, "in"))).rejects.toMatchObject({
      code: "InvalidArgument",
      message: expect.stringContaining("up"),
    });
  });

  it("that lead to themselves are refused", async () => {
    const root = folderWith({ "a.txt": "1" });
    symlinkSync("loop", join(root, "loop"));

    await expect(takeSnapshot(root)).rejects.toMatchObject({
      code: "InvalidArgument",
      message: expect.stringContaining("loop"),
    });
  });

  it("to nothing, or to what is left out, do not hang in the air", async () => {
    const root = folderWith({ ".gitignore": "big/\n*.bin\n", "big/x": "1", "w.bin": "2" });
    symlinkSync("absent", join(root, "dangling"));
    symlinkSync("big", join(root, "to-folder"));
    symlinkSync("w.bin", join(root, "to-file"));

    const { warnings } = await takeSnapshot(root);

    expect(await paths(root)).toEqual([".gitignore", "to-file"]);
    expect(warnings).toHaveLength(3);
  });
});

describe("a snapshot's identity", () => {
  it("comes from content alone: not from times, order or place", async () => {
    const files = { "b.py": "2", "a.py": "1", "d/c.py": "3" };
    const one = folderWith(files);
    const other = folderWith(Object.fromEntries(Object.entries(files).reverse()));
    utimesSync(join(other, "a.py"), 1, 1);

    const [first, second] = [await takeSnapshot(one), await takeSnapshot(other)];

    expect(first.id).toBe(second.id);
    expect(first.id).toBe(await treeIdOf(first.entries));
    appendFileSync(join(other, "a.py"), "x");
    expect((await takeSnapshot(other)).id).not.toBe(first.id);
  });
});

describe("reading", () => {
  it("refuses a file whose content is not the one that was hashed", async () => {
    const root = folderWith({ "a.py": "before" });
    const taken = await takeSnapshot(root);
    writeFileSync(join(root, "a.py"), "after!");

    await expect(taken.read("a.py")).rejects.toMatchObject({
      code: "Conflict",
      message: expect.stringContaining("a.py"),
    });
  });

  it("hashes files larger than its buffer", () => {
    const root = folderWith({ "big.bin": "x".repeat(3_500_000) });

    const { sha256, stats } = hashFile(join(root, "big.bin"), "big.bin");

    expect(stats.size).toBe(3_500_000);
    expect(readHashed(join(root, "big.bin"), "big.bin", sha256)).toHaveLength(3_500_000);
  });

  it.skipIf(process.platform !== "linux")("refuses a file that never is as long as it says", () => {
    // Files of /proc have length 0 and content: the system's own example of one that does not hold still.
    expect(() => hashFile("/proc/self/status", "status")).toThrow(
      expect.objectContaining({ code: "Conflict", message: expect.stringContaining("`status` changes") }),
    );
  });

  it("names a file that may not be read", async () => {
    const root = folderWith({ "a.py": "" });

    expect(() => hashFile(join(root, "absent.py"), "absent.py")).toThrow(/absent\.py/);
    await expect(takeSnapshot(join(root, "absent"))).rejects.toMatchObject({ code: "InvalidArgument" });
  });
});

describe("the hash cache", () => {
  const long = 10_000;

  function cached(root: string): { file: string; old: (name: string) => ReturnType<typeof statSync> } {
    return { file: join(root, "..", "cache.json"), old: (name) => statSync(join(root, name)) };
  }

  it("remembers a file until its size, time or inode differ", () => {
    const root = folderWith(Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`f${i}`, `${i}`])));
    const { file } = cached(root);
    const stats = statSync(join(root, "f1"));
    const cache = openHashCache(file);
    for (let i = 0; i < 70; i++)
      cache.set(join(root, `f${i}`), statSync(join(root, `f${i}`)), `hash${i}`, Date.now() + long);
    cache.save();

    const again = openHashCache(file);

    expect(again.get(join(root, "f1"), stats)).toBe("hash1");
    expect(again.get(join(root, "f2"), stats)).toBeUndefined();
    writeFileSync(join(root, "f1"), "changed");
    expect(again.get(join(root, "f1"), statSync(join(root, "f1")))).toBeUndefined();
  });

  it("does not trust a file that was written in the moment it was read", () => {
    const root = folderWith(Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`f${i}`, `${i}`])));
    const { file } = cached(root);
    const cache = openHashCache(file);
    const stats = statSync(join(root, "f1"));
    cache.set(join(root, "f1"), stats, "racy", stats.mtimeMs);
    for (let i = 2; i < 70; i++)
      cache.set(join(root, `f${i}`), statSync(join(root, `f${i}`)), `hash${i}`, Date.now() + long);
    cache.save();

    const again = openHashCache(file);

    expect(again.get(join(root, "f1"), stats)).toBeUndefined();
    expect(again.get(join(root, "f2"), statSync(join(root, "f2")))).toBe("hash2");
  });

  it("starts anew from a file that is not its own, and works without one", () => {
    const root = folderWith({ a: "1" });
    const { file } = cached(root);
    writeFileSync(file, "{broken");
    const stats = statSync(join(root, "a"));

    expect(openHashCache(file).get("x", stats)).toBeUndefined();
    const none = openHashCache(undefined);
    none.set("x", stats, "h", Date.now() + long);
    expect(() => none.save()).not.toThrow();
  });
});
