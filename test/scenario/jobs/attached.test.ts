import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jobs as jobRoutes } from "../../../src/contract/routes/jobs.ts";
import { computes } from "../../../src/contract/routes/places.ts";
import { expectCode, makeTempDir, until } from "../../helpers/ports.ts";
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
import { noSshd, startSshd, type TestSshd } from "../../helpers/sshd.ts";

const params = (name: string) => ({ workspace: "default", name });

describe.skipIf(noSshd !== undefined)(
  `a machine attached over SSH${noSshd === undefined ? "" : ` (${noSshd})`}`,
  () => {
    const temporary = makeTempDir();
    const folder = join(temporary.path, "machine");
    let sshd: TestSshd;
    let server: TestServer;

    beforeAll(async () => {
      await build({
        entryPoints: [fileURLToPath(new URL("../../../src/runner/main.ts", import.meta.url))],
        outdir: join(temporary.path, "runner"),
        outExtension: { ".js": ".mjs" },
        bundle: true,
        format: "esm",
        platform: "node",
        target: "node24",
      });
      sshd = await startSshd(join(temporary.path, "sshd"));
      server = await startServer({ env: { TRAINYARD_RUNNER_BUNDLE: join(temporary.path, "runner") } });
      await attach("machine", {});
    });

    afterAll(async () => {
      await server?.dispose();
      sshd?.stop();
      temporary.remove();
    });

    function attach(name: string, more: { host_key?: string; private_key?: string; node?: string }) {
      return server.client.call(computes.put, {
        params: params(name),
        body: {
          type: "attached",
          host: "127.0.0.1",
          port: sshd.port,
          username: sshd.username,
          host_key: more.host_key ?? sshd.hostKey,
          folder,
          node: more.node ?? process.execPath,
          slots: 2,
          credentials: { private_key: more.private_key ?? sshd.privateKey },
        },
      });
    }

    test("never shows its key", async () => {
      const compute = await server.client.call(computes.get, { params: params("machine") });

      expect(compute).toMatchObject({ type: "attached", has_credentials: true, slots: 2 });
      expect(JSON.stringify(compute)).not.toContain("PRIVATE KEY");
    });

    test("runs a job with the same runner and leaves nothing but what it shares", async () => {
      const job = await runJob(server, "echo hello from afar; exit 4", { compute: "azureml:machine" });

      expect(job).toMatchObject({ status: "Failed", exit_code: 4, compute: "machine" });
      expect(await readWholeLog(server, job.name)).toContain("hello from afar\n");
      await until(() => !existsSync(join(folder, "runs")) || leftIn(folder) === 0, "the work folder to be removed");
    });

    test("obeys a cancel", async () => {
      const { name } = await submit(server, commandJob("echo started; sleep 600", { compute: "machine" }));
      await until(async () => (await readWholeLog(server, name)).includes("started\n"), "the command to run");
      await server.client.call(jobRoutes.cancel, { params: params(name), body: {} });

      expect((await waitFor(server, name, isOver)).status).toBe("Canceled");
    });

    test("goes on while the server is away, and finds it again on another port", async () => {
      const gate = join(temporary.path, "gate");
      const command = `echo started; until [ -e ${gate} ]; do sleep 0.05; done; echo ended`;
      const { name } = await submit(server, commandJob(command, { compute: "machine" }));
      await until(async () => (await readWholeLog(server, name)).includes("started\n"), "the command to run");
      await server.kill();
      writeFileSync(gate, "");
      await server.start();
      const job = await waitFor(server, name, isOver);

      expect(job.status).toBe("Completed");
      expect(await readWholeLog(server, name)).toContain("started\nended\n");
    });

    test("is not trusted with another host key", async () => {
      await attach("impostor", { host_key: `SHA256:${"A".repeat(43)}` });
      const job = await runJob(server, "true", { compute: "impostor" });

      expect(job.status).toBe("Failed");
      expect(job.status_reason).toContain("host key");
    });

    test("is told apart from one without Node", async () => {
      await attach("bare", { node: "/nowhere/node" });
      const job = await runJob(server, "true", { compute: "bare" });

      expect(job.status_reason).toContain("needs Node 24");
    });

    test("makes jobs wait, with the reason, while it can't be reached", async () => {
      sshd.stop();
      await attach("away", {});
      const { name } = await submit(server, commandJob("echo back", { compute: "away" }));
      const waiting = await until(async () => {
        const job = await getJob(server, name);
        return job.status_reason?.includes("can't be reached") === true ? job : undefined;
      }, "the reason");
      await sshd.start();
      const job = await waitFor(server, name, isOver);

      expect(waiting.status).toBe("Queued");
      expect(job.status).toBe("Completed");
    });

    test("can't be deleted while a job is on it", async () => {
      const { name } = await submit(server, commandJob("sleep 600", { compute: "machine" }));
      await expectCode(server.client.call(computes.delete, { params: params("machine") }), "InUse");
      await server.client.call(jobRoutes.cancel, { params: params(name), body: {} });
      await waitFor(server, name, isOver);

      expect(await server.client.call(computes.delete, { params: params("machine") })).toEqual({});
    });
  },
);

function leftIn(folder: string): number {
  return readdirSync(join(folder, "runs")).length;
}
