import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeLocalBuilder } from "../../src/adapters/local/builder.ts";
import type { EnvironmentSpec } from "../../src/contract/environments.ts";
import { isAppError } from "../../src/contract/errors.ts";
import { findPython } from "../../src/runner/tools/python.ts";
import { findUv } from "../../src/runner/tools/uv.ts";
import { describeBuilder } from "../contract/describe-builder.ts";
import { startAttempt, tempFolder } from "../helpers/attempt.ts";
import { makeTempDir } from "../helpers/ports.ts";
import { makeWheel } from "../helpers/wheels.ts";

/** The installer is fetched once on a machine; everything after that needs no index. */
const tools = join(tmpdir(), `trainyard-test-tools-${process.getuid?.() ?? 0}`);
const program = join(import.meta.dirname, "../../src/runner/main.ts");

function offline(wheels: string): Record<string, string> {
  return { PIP_FIND_LINKS: wheels, PIP_NO_INDEX: "1", UV_NO_CACHE: "1" };
}

function place(cacheDir = tempFolder()): { cacheDir: string; wheels: string; env: Record<string, string> } {
  symlinkSync(tools, join(cacheDir, "tools"));
  const wheels = join(cacheDir, "wheels");
  mkdirSync(wheels);
  makeWheel(wheels, "first", "1.0");
  makeWheel(wheels, "first", "2.0");
  makeWheel(wheels, "second", "1.0", "first>=1");
  return { cacheDir, wheels, env: offline(wheels) };
}

const spec = (requirements: string[], more: Partial<EnvironmentSpec> = {}): EnvironmentSpec => ({
  kind: "python",
  requirements,
  label: "test",
  ...more,
});

beforeAll(async () => {
  mkdirSync(tools, { recursive: true });
  await findUv({ toolsDir: tools, python: await findPython(), onLog: () => {} });
});

describeBuilder("Python environments by uv", async () => {
  const folder = makeTempDir();
  const given = place(folder.path);
  return {
    builder: makeLocalBuilder({ program, dataDir: given.cacheDir, env: { ...process.env, ...given.env } }),
    good: spec(["second"]),
    bad: spec(["no-such-package-zzz"]),
    ref: /^python:\//,
    log: { good: /\+ second==1\.0/, bad: /no-such-package-zzz/ },
    waits: "it answers when the build has ended: there is nothing to ask again",
    cleanup: async () => folder.remove(),
  };
});

describe("the builder", () => {
  const make = (given: { cacheDir: string; env: Record<string, string> }) => {
    const builder = makeLocalBuilder({ program, dataDir: given.cacheDir, env: { ...process.env, ...given.env } });
    return {
      async build(wanted: EnvironmentSpec, onLog: (text: string) => void) {
        const built = await builder.build({ workspace: "default", spec: wanted }, onLog);
        if (built.state !== "ready") throw new Error("the laptop's builder waits until it is done");
        return built;
      },
    };
  };

  it("loosens a pin that cannot be had where that is allowed, and refuses where it is not", async () => {
    const given = place();
    const builder = make(given);
    let log = "";

    const relaxed = await builder.build(spec(["first==9.9"], { relax_pins: true }), (text) => {
      log += text;
    });
    const refused = await builder.build(spec(["first==9.9"]), () => {}).catch((error: unknown) => error);

    expect(existsSync(join(relaxed.ref.replace("python:", ""), "bin/first-cmd"))).toBe(true);
    expect(log).toMatch(/`first==9\.9` cannot be had with this Python/);
    expect(isAppError(refused) && refused.code).toBe("EnvironmentBuildFailed");
  });

  it("names a package that does not exist, and leaves nothing half-built", async () => {
    const given = place();

    const error = await make(given)
      .build(spec(["first", "no-such-package-zzz"], { relax_pins: true, label: "mine" }), () => {})
      .catch((reason: unknown) => reason);

    expect(error).toMatchObject({
      code: "EnvironmentBuildFailed",
      message: expect.stringMatching(/environment `mine`: package `no-such-package-zzz` does not exist/),
    });
    const left = readdirSync(join(given.cacheDir, "envs"), { withFileTypes: true });
    expect(left.filter((entry) => entry.isDirectory() && entry.name !== "answers")).toEqual([]);
  });

  it("builds anew what a builder that died has left", async () => {
    const given = place();
    const builder = make(given);
    const { ref } = await builder.build(spec(["first"]), () => {});
    const prefix = ref.replace("python:", "");
    rmSync(join(prefix, "trainyard-ready.json"));
    writeFileSync(join(prefix, "half"), "");

    const again = await builder.build(spec(["first"]), () => {});

    expect(again).toMatchObject({ ref, cached: false });
    expect(existsSync(join(prefix, "half"))).toBe(false);
  });
});

describe("a job in an environment", () => {
  it("may install packages, upgrade and use their programs, and the shared environment stays as it was", async () => {
    const given = place();
    const environment = spec(["first==1.0"]);

    const attempt = await startAttempt(
      "first-cmd && pip install -q 'first==1.0' && pip install -q --no-index --find-links $WHEELS 'first>1' second && first-cmd && second-cmd " +
        "&& python -c 'import first; print(\"sees\", first.version)' && which pip && pip --version",
      {
        cacheDir: given.cacheDir,
        env: given.env,
        assignment: { environment, environment_variables: { WHEELS: given.wheels } },
      },
    );
    const report = await attempt.done;
    const after = await startAttempt("first-cmd; second-cmd || echo no second", {
      cacheDir: given.cacheDir,
      env: given.env,
      assignment: { environment },
    });
    const second = await after.done;

    expect(report.status).toBe("Completed");
    expect(attempt.home.log()).toMatch(
      /preparing environment `test`[^\n]*\n(?:\[trainyard\] [^\n]*\n)*first 1\.0\nfirst 2\.0\nsecond 1\.0\nsees 2\.0\n/,
    );
    expect(attempt.home.log()).toContain(`${attempt.folder}/env/bin/pip`);
    expect(second.status).toBe("Completed");
    expect(after.home.log()).toMatch(/^first 1\.0\n.*no second\n$/s);
  });

  it("fails with the reason when its environment cannot be built", async () => {
    const given = place();

    const attempt = await startAttempt("echo never", {
      cacheDir: given.cacheDir,
      env: given.env,
      assignment: { environment: spec(["no-such-package-zzz"], { label: "inline" }) },
    });
    const report = await attempt.done;

    expect(report).toMatchObject({ status: "Failed" });
    expect(report.reason).toMatch(/package `no-such-package-zzz` does not exist in the package index/);
    expect(attempt.home.log()).toContain("error: environment `inline`");
    expect(attempt.home.log()).not.toContain("never");
  });

  it("uses an interpreter that is there already", async () => {
    const python = await findPython();

    const attempt = await startAttempt("python3 -c 'import sys; print(sys.executable)'", {
      assignment: { environment: { kind: "interpreter", interpreter: python.path, label: "own" } },
    });
    const report = await attempt.done;

    expect(report.status).toBe("Completed");
    expect(statSync(attempt.home.log().trim()).ino).toBe(statSync(python.path).ino);
  });
});
