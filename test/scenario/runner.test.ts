import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { baseAssignment, isAlive, startAttempt, tempFolder } from "../helpers/attempt.ts";
import { startFakeHome } from "../helpers/fake-home.ts";

describe("a command's life", () => {
  it("goes from Preparing to Completed, with its output in order and an exit code", async () => {
    const attempt = await startAttempt("for i in 1 2 3; do echo out $i; echo err $i >&2; done");

    const report = await attempt.done;

    expect(attempt.home.reports.map((one) => one.status)).toEqual(["Preparing", "Running", "Finalizing", "Completed"]);
    expect(report).toMatchObject({ attempt: "r1.1", exit_code: 0 });
    expect(attempt.home.log()).toContain("out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
    expect(attempt.json("final.json")).toMatchObject({ status: "Completed", attempt: "r1.1" });
    expect(attempt.json("runner.json")).toMatchObject({ phase: "Done", pid: attempt.child.pid });
    expect(await attempt.exited).toBe(0);
  });

  it.each([
    ["echo before; exit 3", { exit_code: 3 }, /ended with exit code 3: before/],
    ["no-such-program --x", { exit_code: 127 }, /command was not found \(exit code 127\).*no-such-program/],
    ["kill -SEGV $$", { signal: "SIGSEGV" }, /ended by signal SIGSEGV \(11\), an invalid memory access/],
    ["bash -c 'kill -9 $$'; exit $?", { exit_code: 137 }, /ended by signal SIGKILL/],
    ["python -c 'raise ValueError(\"no such column\")'", { exit_code: 1 }, /ValueError: no such column/],
  ])("says why `%s` failed", async (command, facts, reason) => {
    const attempt = await startAttempt(command);

    const report = await attempt.done;

    expect(report).toMatchObject({ status: "Failed", ...facts });
    expect(report.reason).toMatch(reason);
  });

  it("keeps a last line without its end, and bytes that are no text", async () => {
    const attempt = await startAttempt("printf 'a\\nno end'; printf '\\377\\000z'");

    await attempt.done;

    expect(Buffer.from(attempt.home.log(), "utf8").toString("utf8")).toMatch(/a\nno end.*z$/s);
    expect(attempt.home.logBytes()).toBeGreaterThanOrEqual(11);
  });

  it("starts a plain Python as a shell would, with its words, folder and exit code", async () => {
    const content = [
      "import os, sys",
      'print(sys.argv[1:], os.environ["PWD"] == os.getcwd(), os.getpid() == os.getpgid(0), sys.prefix != sys.base_prefix)',
      "sys.exit(3)",
    ].join("\n");
    const attempt = await startAttempt("python  probe.py a --b=1 ./c ", {
      assignment: { code: "azureml://trees/t" },
      listings: { "azureml://trees/t": { files: [{ path: "probe.py", content }] } },
    });

    const report = await attempt.done;

    expect(attempt.home.log()).toContain("['a', '--b=1', './c'] True True True\n");
    expect(report).toMatchObject({ status: "Failed", exit_code: 3 });
  });

  it("lets a shell open /dev/stdout and /dev/stderr", async () => {
    const attempt = await startAttempt("echo one; echo two > /dev/stderr; echo three | tee /dev/stdout; echo four");

    await attempt.done;

    expect(attempt.home.log()).toContain("one\ntwo\nthree\nthree\nfour\n");
  });

  it("passes a flood on whole, in few requests", async () => {
    const attempt = await startAttempt("yes 0123456789abcde | head -c 40000000");

    const report = await attempt.done;

    expect(report.status).toBe("Completed");
    const flood = attempt.home.log().slice(attempt.home.log().indexOf("0123456789abcde"));
    expect(flood.length).toBe(40_000_000);
    expect(flood.endsWith("0123456789abcde\n")).toBe(true);
    expect(attempt.home.logBatches.length).toBeLessThan(400);
  });
});

describe("the end of a command", () => {
  it("ends at its time limit although it ignores SIGTERM, and takes its children along", async () => {
    const attempt = await startAttempt("trap '' TERM; (trap '' TERM; sleep 1000) & echo child $!; wait; sleep 1000", {
      assignment: { timeout_sec: 1, grace_sec: 1 },
    });

    const report = await attempt.done;

    expect(report).toMatchObject({ status: "Failed", signal: "SIGKILL" });
    expect(report.reason).toMatch(/longer than its limit of 1 s/);
    expect(isAlive(Number(/child (\d+)/.exec(attempt.home.log())?.[1]))).toBe(false);
  });

  it("obeys a cancel at once and lets the command say goodbye", async () => {
    const attempt = await startAttempt("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    await attempt.home.until(() => attempt.home.log().includes("up"));

    attempt.home.cancel("not needed any more");
    const report = await attempt.done;

    expect(report).toMatchObject({ status: "Canceled", reason: "not needed any more" });
    expect(attempt.home.log()).toContain("bye");
  });

  it("treats a SIGTERM to the runner as a cancel", async () => {
    const attempt = await startAttempt("echo up; sleep 1000");
    await attempt.home.until(() => attempt.home.log().includes("up"));

    attempt.child.kill("SIGTERM");

    expect(await attempt.done).toMatchObject({ status: "Canceled", signal: "SIGTERM" });
  });

  it("ends processes that left the group when the command is over", async () => {
    const attempt = await startAttempt(
      "setsid sleep 1000 > /dev/null 2>&1 < /dev/null & echo left $!; (sleep 1000 > /dev/null 2>&1 &); sleep 0.1; echo done",
    );

    const report = await attempt.done;

    expect(report.status).toBe("Completed");
    expect(isAlive(Number(/left (\d+)/.exec(attempt.home.log())?.[1]))).toBe(false);
  });

  it("still hears a background process that writes its last words after the shell has ended", async () => {
    const attempt = await startAttempt("(sleep 0.1; echo late) & echo early");

    await attempt.done;

    expect(attempt.home.log()).toMatch(/early\nlate\n$/);
  });

  it("stops without a word when another attempt has taken over", async () => {
    const attempt = await startAttempt("echo up; sleep 1000");
    await attempt.home.until(() => attempt.home.log().includes("up"));

    attempt.home.supersede();
    await attempt.exited;

    expect(attempt.home.reports.some((one) => ["Canceled", "Failed", "Completed"].includes(one.status))).toBe(false);
  });
});

describe("a home that is away", () => {
  it("gets everything once it is back, on another address too", async () => {
    const folder = tempFolder();
    const serverFile = join(folder, "server.json");
    const assignment = (url: string) => ({
      ...baseAssignment(url),
      command: `echo before; until [ -e ${folder}/go ]; do sleep 0.02; done; echo after; exit 5`,
    });
    const first = await startFakeHome({ assignment });
    writeFileSync(serverFile, JSON.stringify({ url: first.url }));
    const attempt = await startAttempt("", { home: first, serverFile });
    await first.until(() => first.log().includes("before\n"));
    const sent = first.log();

    await first.stop();
    writeFileSync(join(folder, "go"), "");
    const second = await startFakeHome({ assignment });
    // The new home has the log up to where the old one had it.
    await fetch(`${second.url}/api/v1/workspaces/default/runs/r1/log?name=user_logs/std_log.txt&offset=0`, {
      method: "PUT",
      body: sent,
    });
    writeFileSync(serverFile, JSON.stringify({ url: second.url }));
    const report = await second.finalReport();

    expect(report).toMatchObject({ status: "Failed", exit_code: 5 });
    expect(second.log()).toMatch(/before\nafter\n$/);
    await attempt.exited;
    await second.stop();
  });

  it("does not stop a command while it answers nothing but errors", async () => {
    const attempt = await startAttempt("echo one; sleep 0.3; echo two");
    await attempt.home.until(() => attempt.home.log().includes("one"));

    attempt.home.down = true;
    await new Promise<void>((resolve) => {
      const look = () => {
        try {
          if (attempt.json("final.json")) resolve();
        } catch {
          setTimeout(look, 10);
        }
      };
      look();
    });
    attempt.home.down = false;

    expect(await attempt.done).toMatchObject({ status: "Completed" });
    expect(attempt.home.log()).toMatch(/one\ntwo\n$/);
  });

  it("is not waited for when the attempt's folder has been taken away", async () => {
    const attempt = await startAttempt("echo up; sleep 1000");
    await attempt.home.until(() => attempt.home.log().includes("up"));
    const [group] = attempt.json("runner.json").groups as number[];

    attempt.home.down = true;
    rmSync(attempt.folder, { recursive: true, force: true });
    await attempt.exited;

    expect(isAlive(group ?? 0)).toBe(false);
  });
});

describe("distribution", () => {
  it("starts one process a rank for PyTorch, and says which rank wrote what", async () => {
    const attempt = await startAttempt('echo "rank $RANK/$WORLD_SIZE local $LOCAL_RANK node $NODE_RANK $MASTER_ADDR"', {
      assignment: { distribution: { type: "pytorch", process_count_per_instance: 2 }, instance_count: 2 },
    });

    await attempt.done;

    const lines = attempt.home
      .log()
      .split("\n")
      .filter((line) => line.startsWith("[rank"))
      .sort();
    expect(lines).toEqual([
      "[rank 0] rank 0/4 local 0 node 0 127.0.0.1",
      "[rank 1] rank 1/4 local 1 node 0 127.0.0.1",
      "[rank 2] rank 2/4 local 0 node 1 127.0.0.1",
      "[rank 3] rank 3/4 local 1 node 1 127.0.0.1",
    ]);
  });

  it("gives TensorFlow's processes one cluster and their own task", async () => {
    const attempt = await startAttempt("echo $TF_CONFIG", {
      assignment: {
        distribution: { type: "tensorflow", worker_count: 2, parameter_server_count: 1 },
        instance_count: 2,
      },
    });

    await attempt.done;

    const configs = [...attempt.home.log().matchAll(/^\[rank .*?\] (\{.*\})$/gm)].map(
      (found) =>
        JSON.parse(found[1] ?? "") as { cluster: Record<string, string[]>; task: { type: string; index: number } },
    );
    expect(configs.map((one) => `${one.task.type} ${one.task.index}`).sort()).toEqual(["ps 0", "worker 0", "worker 1"]);
    expect(new Set(configs.map((one) => JSON.stringify(one.cluster))).size).toBe(1);
    expect(new Set(Object.values(configs[0]?.cluster ?? {}).flat()).size).toBe(3);
  });

  it("ends the other ranks when one fails", async () => {
    const attempt = await startAttempt('if [ "$RANK" = 1 ]; then echo broken; exit 9; fi; sleep 1000', {
      assignment: { distribution: { type: "pytorch", process_count_per_instance: 3 } },
    });

    const report = await attempt.done;

    expect(report).toMatchObject({ status: "Failed", exit_code: 9 });
    expect(report.reason).toMatch(/^rank 1 ended with exit code 9/);
  });
});
