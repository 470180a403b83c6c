import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { gitState, withoutCredentials } from "../../../src/cli/snapshot/git.ts";
import { makeTempDir } from "../../helpers/ports.ts";

function repository(): { folder: string; git: (...args: string[]) => string } {
  const dir = makeTempDir();
  onTestFinished(dir.remove);
  const git = (...args: string[]) =>
    execFileSync(
      "git",
      ["-C", dir.path, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", ...args],
      {
        encoding: "utf8",
      },
    ).trim();
  git("init", "-q", "-b", "trunk");
  writeFileSync(join(dir.path, "a.py"), "one\n");
  mkdirSync(join(dir.path, "src"));
  writeFileSync(join(dir.path, "src/b.py"), "two\n");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  return { folder: dir.path, git };
}

describe("gitState", () => {
  it("tells commit, branch and remote of a clean working copy, from a folder inside it", async () => {
    const { folder, git } = repository();
    git("remote", "add", "origin", "https://me:secret@example.com/team/repo.git");

    expect(await gitState(join(folder, "src"))).toEqual({
      commit: git("rev-parse", "HEAD"),
      branch: "trunk",
      remote: "https://example.com/team/repo.git",
      dirty: false,
    });
  });

  it("keeps the difference of one that was changed, staged or not", async () => {
    const { folder, git } = repository();
    writeFileSync(join(folder, "a.py"), "changed\n");
    writeFileSync(join(folder, "src/b.py"), "staged\n");
    git("add", "src/b.py");

    const state = await gitState(folder);

    expect(state?.dirty).toBe(true);
    expect(state?.diff).toContain("+changed");
    expect(state?.diff).toContain("+staged");
  });

  it("is dirty, without a difference, when there are only new files", async () => {
    const { folder } = repository();
    writeFileSync(join(folder, "new.py"), "");

    const state = await gitState(folder);

    expect(state).toMatchObject({ dirty: true });
    expect(state).not.toHaveProperty("diff");
  });

  it("cuts a difference at a line within the limit of the contract", async () => {
    const { folder } = repository();
    writeFileSync(join(folder, "a.py"), `${"é".repeat(99)}\n`.repeat(20_000));

    const diff = (await gitState(folder))?.diff ?? "";

    expect(Buffer.byteLength(diff)).toBeLessThanOrEqual(1_048_576);
    expect(diff.length).toBeGreaterThan(500_000);
    expect(diff.endsWith("\n")).toBe(true);
  });

  it("knows a repository without a commit, and one whose head is detached", async () => {
    const { folder, git } = repository();
    git("checkout", "-q", "--detach");
    expect(await gitState(folder)).not.toHaveProperty("branch");

    const dir = makeTempDir();
    onTestFinished(dir.remove);
    execFileSync("git", ["-C", dir.path, "init", "-q", "-b", "fresh"]);
    expect(await gitState(dir.path)).toEqual({ branch: "fresh", dirty: false });
  });

  it("is undefined where there is no working copy", async () => {
    const dir = makeTempDir();
    onTestFinished(dir.remove);

    expect(await gitState(dir.path)).toBeUndefined();
  });
});

describe("withoutCredentials", () => {
  it.each([
    ["https://user:pass@host/x.git", "https://host/x.git"],
    ["https://token@host/x.git", "https://host/x.git"],
    ["https://host/x.git?token=1", "https://host/x.git"],
    ["https://host/x.git", "https://host/x.git"],
    ["ssh://git@host/x.git", "ssh://git@host/x.git"],
    ["ssh://git:secret@host/x.git", "ssh://git@host/x.git"],
    ["git@host:team/x.git", "git@host:team/x.git"],
    ["../other", "../other"],
  ])("%s -> %s", (remote, expected) => {
    expect(withoutCredentials(remote)).toBe(expected);
  });
});
