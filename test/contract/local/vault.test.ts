import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openSigner } from "../../../src/adapters/local/signer.ts";
import { openVault } from "../../../src/adapters/local/vault.ts";
import { expectCode, makeTempDir } from "../../helpers/ports.ts";
import { describeSigner } from "../describe-signer.ts";
import { describeVault } from "../describe-vault.ts";

describeVault("encrypted files", async () => {
  const folder = makeTempDir();
  return { open: async () => openVault({ dir: folder.path }), cleanup: async () => folder.remove() };
});

describeSigner("a key in a file", async () => {
  const folder = makeTempDir();
  return { open: () => openSigner({ dir: folder.path }), cleanup: async () => folder.remove() };
});

function tempDir(): string {
  const folder = makeTempDir();
  onTestFinished(folder.remove);
  return folder.path;
}

test("the disk shows neither names nor secrets, to the owner alone", async () => {
  const dir = tempDir();
  const vault = openVault({ dir });

  await vault.put("datastores/default/store", "hunter2hunter2");
  openSigner({ dir });

  const files = readdirSync(dir);
  expect(files).toHaveLength(3);
  for (const file of files) {
    const content = file + readFileSync(join(dir, file), "latin1");
    expect(content).not.toContain("hunter2");
    expect(content).not.toContain("datastores");
    expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
  }
});

test("a secret that was changed, swapped or is of another key is refused, not returned", async () => {
  const dir = tempDir();
  const vault = openVault({ dir });
  await vault.put("a", "secret of a");
  const [fileOfA = ""] = readdirSync(dir).filter((file) => file.endsWith(".secret"));
  await vault.put("b", "secret of b");
  const fileOfB = readdirSync(dir).find((file) => file.endsWith(".secret") && file !== fileOfA) ?? "";
  const bytes = readFileSync(join(dir, fileOfA));

  writeFileSync(join(dir, fileOfB), bytes);
  await expectCode(() => vault.get("b"), "Unavailable");
  writeFileSync(join(dir, fileOfA), bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1));
  await expectCode(() => vault.get("a"), "Unavailable");
  writeFileSync(join(dir, fileOfA), bytes.subarray(0, 20));
  await expectCode(() => vault.get("a"), "Unavailable");
});

test("a vault whose key is gone says so, and makes no new one", () => {
  const dir = tempDir();
  return openVault({ dir })
    .put("a", "x")
    .then(() => {
      rmSync(join(dir, "vault.key"));
      expect(() => openVault({ dir })).toThrow(expect.objectContaining({ code: "Unavailable" }));
      expect(readdirSync(dir)).not.toContain("vault.key");
    });
});
