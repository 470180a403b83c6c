import { spawnSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openHome } from "../../../src/adapters/local/home.ts";
import { acquireLock } from "../../../src/adapters/local/lock.ts";
import { makeIds } from "../../../src/adapters/node/ids.ts";
import { expectCode, makeTempDir, until } from "../../helpers/ports.ts";
import { record } from "../describe-table.ts";

function tempDir(): string {
  const folder = makeTempDir();
  onTestFinished(folder.remove);
  return folder.path;
}

test("a home opens, works, closes and opens again with all it had", async () => {
  const dir = join(tempDir(), "deep", ".trainyard");
  const first = await openHome({ dir });
  await first.table.transact([{ kind: "put", item: record("p", "s", { n: 1 }) }]);
  await first.objects.put("a/b", new TextEncoder().encode("object"));
  await first.vault.put("name", "secret");
  await first.timer.set("t", Date.now() - 1, { topic: "wake", id: "w", body: {} });
  const token = await first.signer.sign({ sub: "x" });
  await Promise.all([first.close(), first.close()]);

  const second = await openHome({ dir });
  onTestFinished(() => second.close());
  const woken: string[] = [];
  second.bus.subscribe("wake", async ({ id }) => void woken.push(id));
  await second.bus.start();
  await until(() => woken.length > 0, "the timer set before the restart");

  expect(statSync(dir).mode & 0o077).toBe(0);
  expect(statSync(join(dir, "yard.db")).mode & 0o777).toBe(0o600);
  expect(await second.table.get({ pk: "p", sk: "s" })).toEqual(record("p", "s", { n: 1 }));
  expect(await new Response((await second.objects.get("a/b"))?.body).text()).toBe("object");
  expect(await second.vault.get("name")).toBe("secret");
  expect(await second.signer.verify(token)).toEqual({ sub: "x" });
});

test("a closed home takes no more writes, and closing commits those it took", async () => {
  const dir = tempDir();
  const first = await openHome({ dir });

  const writes = Array.from({ length: 50 }, (_, at) =>
    first.table.transact([{ kind: "put", item: record("p", `s${at}`) }]),
  );
  await first.close();
  await Promise.all(writes);
  await expectCode(() => first.table.transact([{ kind: "put", item: record("p", "late") }]), "Unavailable");

  const second = await openHome({ dir });
  onTestFinished(() => second.close());
  expect((await second.table.query({ pk: "p" })).items).toHaveLength(50);
});

test("a home that can't be opened gives its folder free", async () => {
  const dir = tempDir();
  writeFileSync(
    join(dir, "yard.db"),
    "this is no database, whatever its name says, and long enough to look at".repeat(100),
  );

  await expectCode(() => openHome({ dir }), "Internal");

  const lock = await acquireLock({ dir });
  lock.release();
});

test("one lock a folder: the second is told who has it and where, until it is released", async () => {
  const dir = tempDir();
  const lock = await acquireLock({ dir });
  lock.setAddress("http://127.0.0.1:7878");

  const refusal = await acquireLock({ dir }).catch((error: unknown) => error);
  await Promise.all(Array.from({ length: 5 }, () => expectCode(() => acquireLock({ dir }), "Conflict")));
  lock.release();
  lock.release();
  const next = await acquireLock({ dir });
  onTestFinished(() => next.release());

  expect(refusal).toMatchObject({ code: "Conflict", details: { pid: process.pid, address: "http://127.0.0.1:7878" } });
  expect(String(refusal)).toContain("http://127.0.0.1:7878");
});

test("a lock file left behind, also with the id of a living process, stops nobody", async () => {
  const dir = tempDir();
  writeFileSync(join(dir, "lock.json"), JSON.stringify({ pid: 1, address: "http://127.0.0.1:1" }));

  const lock = await acquireLock({ dir });
  onTestFinished(() => lock.release());

  expect(await acquireLock({ dir }).catch((error: unknown) => error)).toMatchObject({ details: { pid: process.pid } });
});

test("a refused server does not name a dead process", async () => {
  const dir = tempDir();
  const lock = await acquireLock({ dir });
  onTestFinished(() => lock.release());
  const { pid } = spawnSync(process.execPath, ["--version"]);
  writeFileSync(join(dir, "lock.json"), JSON.stringify({ pid }));

  const refusal = await acquireLock({ dir }).catch((error: unknown) => error);

  expect(refusal).toMatchObject({ code: "Conflict" });
  expect(String(refusal)).toContain("another process");
});

test("a folder that can't be made is refused with its name and what to do", async () => {
  const file = join(tempDir(), "file");
  writeFileSync(file, "");

  for (const dir of [file, join(file, "below", "deep")]) {
    const refusal = await acquireLock({ dir }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "InvalidArgument" });
    expect(String(refusal)).toContain(dir);
  }
});

test.runIf(process.platform === "linux")("a folder below /proc is refused instead of tried for ever", () => {
  const lock = new URL("../../../src/adapters/local/lock.ts", import.meta.url).href;
  const script = `import { acquireLock } from ${JSON.stringify(lock)};
    await acquireLock({ dir: "/proc/nope/deep" }).catch((error) => console.log(error.code));`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 20_000,
  });

  expect(child.stdout).toBe("InvalidArgument\n");
});

test("ids are long, of their alphabet, and differ", () => {
  const ids = makeIds();
  const hex = Array.from({ length: 1000 }, () => ids.hex32());
  const secrets = Array.from({ length: 1000 }, () => ids.secret());

  expect(hex.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(secrets.every((secret) => /^[A-Za-z0-9_-]{43}$/.test(secret))).toBe(true);
  expect(new Set([...hex, ...secrets]).size).toBe(2000);
});
