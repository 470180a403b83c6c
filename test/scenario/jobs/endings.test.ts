import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jobs as routes } from "../../../src/contract/routes/jobs.ts";
import { until } from "../../helpers/ports.ts";
import {
  commandJob,
  getJob,
  isOver,
  readWholeLog,
  runJob,
  startServer,
  submit,
  type TestServer,
  waitFor,
} from "../../helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

const cancel = (name: string) =>
  server.client.call(routes.cancel, { params: { workspace: "default", name }, body: { reason: "enough" } });

/** Waits until the command has written this. */
const said = (name: string, words: string) =>
  until(async () => (await readWholeLog(server, name)).includes(words), words);

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a job ends", () => {
  test("completed, with its output in order and its history", async () => {
    const job = await runJob(server, "echo one; echo two >&2; printf three");

    expect(job).toMatchObject({ status: "Completed", exit_code: 0, compute: "local", experiment_name: "Default" });
    expect(job.history.map(({ status }) => status)).toEqual([
      "Queued",
      "Preparing",
      "Running",
      "Finalizing",
      "Completed",
    ]);
    expect(await readWholeLog(server, job.name)).toMatch(/one\ntwo\nthree$/);
  });

  test("failed, with the command's exit code", async () => {
    const job = await runJob(server, "echo before; exit 3");

    expect(job).toMatchObject({ status: "Failed", exit_code: 3 });
    expect(job.status_reason).toContain("3");
  });

  test("failed by signal, which is named", async () => {
    const job = await runJob(server, "kill -SEGV $$");

    expect(job.status).toBe("Failed");
    expect(`${job.signal} ${job.status_reason}`).toContain("SIGSEGV");
  });

  test("failed for a command that is not there", async () => {
    const job = await runJob(server, "no-such-program --help");

    expect(job).toMatchObject({ status: "Failed", exit_code: 127 });
  });

  test("failed by its timeout", async () => {
    const job = await runJob(server, "sleep 600", { limits: { timeout: 1 } });

    expect(job.status).toBe("Failed");
    expect(job.status_reason).toMatch(/time ?out|time limit|longer than/i);
  });

  test("canceled while it runs", async () => {
    const { name } = await submit(server, commandJob("echo started; sleep 600"));
    await said(name, "started\n");
    await cancel(name);
    const job = await waitFor(server, name, isOver);

    expect(job).toMatchObject({ status: "Canceled", status_reason: "enough" });
    expect(job.history.at(-1)?.by).toBe("user:owner");
  });

  test("canceled though its command ignores SIGTERM, and so does a child that left its group", async () => {
    const command = `trap '' TERM; setsid sh -c 'trap "" TERM; echo child $$; while :; do sleep 1; done' & echo parent $$; while :; do sleep 1; done`;
    const { name } = await submit(server, commandJob(command));
    await said(name, "child ");
    const log = await readWholeLog(server, name);
    const pids = [...log.matchAll(/(?:child|parent) (\d+)/g)].map((match) => Number(match[1]));
    await cancel(name);
    const job = await waitFor(server, name, isOver);

    expect(job.status).toBe("Canceled");
    expect(pids.length).toBeGreaterThan(0);
    await until(() => !pids.some(alive), "the end of every process of the job");
  });

  test("with its forked children gone", async () => {
    const job = await runJob(server, "setsid sleep 600 & echo child $!; echo done");
    const pid = Number(/child (\d+)/.exec(await readWholeLog(server, job.name))?.[1]);

    expect(job.status).toBe("Completed");
    expect(pid).toBeGreaterThan(1);
    await until(() => !alive(pid), "the end of the child");
  });

  test("failed, not hung, when its runner is killed, and its command is ended", async () => {
    const { name } = await submit(server, commandJob("echo child $$; sleep 600"));
    await said(name, "\n");
    const command = Number(/child (\d+)/.exec(await readWholeLog(server, name))?.[1]);
    const { attempts } = await getJob(server, name);
    const pids = await until(() => runnersOf(name), "the runner's process");
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const job = await waitFor(server, name, isOver);

    expect(attempts).toHaveLength(1);
    expect(job.status).toBe("Failed");
    expect(job.status_reason).toContain("not running any more");
    expect(command).toBeGreaterThan(1);
    await until(() => !alive(command), "the end of the command");
  });
});

describe("logs", () => {
  test("a flood of 40 MB arrives whole", async () => {
    const job = await runJob(
      server,
      `python3 -c "import sys; [sys.stdout.write('x' * 1023 + '\\n') for _ in range(40960)]"`,
    );
    const logs = await server.client.call(routes.logs, { params: { workspace: "default", name: job.name } });
    const size = logs.items.find((log) => log.name === "user_logs/std_log.txt")?.size_bytes ?? 0;

    expect(job.status).toBe("Completed");
    expect(size).toBeGreaterThanOrEqual(40 * 1024 * 1024);
  });

  test("a reader that waits gets a line when it is written", async () => {
    const { name } = await submit(server, commandJob("echo first; read -t 600 line < <(sleep 600)"));
    let offset = 0;
    let text = "";
    while (!text.includes("first")) {
      const page = await server.client.call(routes.log, {
        params: { workspace: "default", name },
        query: { offset, wait_ms: 20_000 },
      });
      text += page.text;
      offset = page.next_offset;
    }
    await cancel(name);

    expect((await waitFor(server, name, isOver)).status).toBe("Canceled");
  });

  test("unicode is never cut in pages", async () => {
    const job = await runJob(server, "for i in 1 2 3 4 5; do printf 'äöü€𝄞'; done; echo");
    let text = "";
    let offset = 0;
    for (;;) {
      const page = await server.client.call(routes.log, {
        params: { workspace: "default", name: job.name },
        query: { offset, limit_bytes: 5 },
      });
      text += page.text;
      offset = page.next_offset;
      if (page.complete) break;
    }

    expect(text).toContain("äöü€𝄞".repeat(5));
  });
});

function runnersOf(name: string): number[] | undefined {
  const found = processes().filter((pid) => {
    try {
      const file = JSON.parse(readFileSync(join(server.dir, "runs", `default.${name}.1`, "runner.json"), "utf8")) as {
        pid: number;
      };
      return file.pid === pid;
    } catch {
      return false;
    }
  });
  return found.length > 0 ? found : undefined;
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}
