import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makePrefixer } from "../../../src/runner/command.ts";
import { planRanks } from "../../../src/runner/distribution.ts";
import { loosenScripts } from "../../../src/runner/environment/scripts.ts";
import { environmentHash } from "../../../src/runner/environment/spec-hash.ts";
import { failureOf } from "../../../src/runner/failure.ts";
import { parseRequest } from "../../../src/runner/request.ts";
import { pipSettings, uvVariables } from "../../../src/runner/tools/pip-settings.ts";
import { findPython, pythonCandidates } from "../../../src/runner/tools/python.ts";
import { runTool } from "../../../src/runner/tools/run-tool.ts";
import { baseAssignment } from "../../helpers/attempt.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "trainyard-tools-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("a helper program", () => {
  it("hands its output on by whole lines, the last one as it is", async () => {
    const parts: string[] = [];
    const script =
      'const parts = ["Installed ", "2 packages\\n", "and ", "the rest"];const next = () => { const part = parts.shift(); if (part !== undefined) process.stderr.write(part, () => setImmediate(next)); };next();';

    const result = await runTool(process.execPath, ["-e", script], { onOutput: (text) => parts.push(text) });

    expect(result).toEqual({ code: 0, output: "Installed 2 packages\nand the rest" });
    expect(parts).toEqual(["Installed 2 packages\n", "and the rest"]);
  });
});

describe("pip's settings", () => {
  it("come from files, [install] over [global], then from variables", () => {
    const home = folder();
    mkdirSync(join(home, ".config/pip"), { recursive: true });
    writeFileSync(
      join(home, ".config/pip/pip.conf"),
      "# mine\n[global]\nindex-url = http://a.test/simple\nextra-index-url =\n  http://b.test/simple\n  http://c.test/simple\ntimeout: 7\n[install]\nindex-url=http://i.test/simple\n",
    );

    const settings = pipSettings({ HOME: home, PIP_TIMEOUT: "9", PIP_FIND_LINKS: "" });

    expect(settings.get("index-url")).toBe("http://i.test/simple");
    expect(settings.get("extra-index-url")).toBe("http://b.test/simple http://c.test/simple");
    expect(settings.get("timeout")).toBe("9");
    expect(settings.has("find-links")).toBe(false);
  });

  it("become uv's variables, where uv has none of its own", () => {
    const home = folder();
    const certificates = join(home, "ca.pem");
    writeFileSync(certificates, "");
    const variables = uvVariables({
      HOME: home,
      PIP_CONFIG_FILE: "/dev/null",
      PIP_INDEX_URL: "http://a.test/simple",
      PIP_EXTRA_INDEX_URL: "http://b.test/simple http://c.test/simple",
      PIP_TRUSTED_HOST: "a.test",
      PIP_CERT: certificates,
      PIP_FIND_LINKS: `/no/such/folder ${home}`,
      PIP_NO_INDEX: "1",
      UV_DEFAULT_INDEX: "http://uv.test/simple",
    });

    expect(variables).toMatchObject({
      UV_INDEX: "http://b.test/simple http://c.test/simple",
      UV_INDEX_STRATEGY: "unsafe-best-match",
      UV_INSECURE_HOST: "a.test",
      UV_FIND_LINKS: home,
      UV_NO_INDEX: "1",
      SSL_CERT_FILE: certificates,
      UV_SYSTEM_CERTS: "true",
    });
    expect(variables).not.toHaveProperty("UV_DEFAULT_INDEX");
  });
});

describe("findPython", () => {
  it("skips shims, broken links and programs that are no Python", async () => {
    const bin = folder();
    mkdirSync(join(bin, "shims"));
    for (const path of ["shims/python3", "python3.11"]) {
      writeFileSync(join(bin, path), "#!/bin/sh\nexit 1\n");
      chmodSync(join(bin, path), 0o755);
    }
    symlinkSync("/nowhere/python3.12", join(bin, "python3.12"));
    const environment = { ...process.env, PATH: `${join(bin, "shims")}:${bin}:${process.env.PATH ?? ""}` };

    const python = await findPython(undefined, environment);

    expect(pythonCandidates(environment).some((path) => path.includes("/shims/"))).toBe(false);
    expect(python.path.startsWith(bin)).toBe(false);
    expect(python.minor).toMatch(/^3\.1\d$/);
  });

  it("takes what is named first", async () => {
    const any = await findPython();

    const named = await findPython(undefined, { PATH: "", HOME: "/", TRAINYARD_JOB_PYTHON: any.path });

    expect(named.path).toBe(any.path);
  });

  it("takes the nearest when the wanted one is not there", async () => {
    const any = await findPython();

    const near = await findPython("3.7", process.env);

    expect(near.minor).toMatch(/^3\.1\d$/);
    expect(any.hasVenv || any.hasPip).toBe(true);
  });
});

describe("loosenScripts", () => {
  it("makes console scripts start the Python beside them, in both forms installers write, and no other file", () => {
    const bin = folder();
    writeFileSync(join(bin, "short"), `#!${bin}/python3.11\nimport sys\n`);
    writeFileSync(join(bin, "long"), `#!/bin/sh\n'''exec' '${bin}/python' "$0" "$@"\n' '''\nimport sys\n`);
    writeFileSync(join(bin, "other"), "#!/bin/bash\necho hi\n");

    loosenScripts(bin);

    const expected = `#!/bin/sh\n'''exec' "\${0%/*}/python" "$0" "$@"\n' '''\nimport sys\n`;
    expect(readFileSync(join(bin, "short"), "utf8")).toBe(expected);
    expect(readFileSync(join(bin, "long"), "utf8")).toBe(expected);
    expect(readFileSync(join(bin, "other"), "utf8")).toBe("#!/bin/bash\necho hi\n");
  });
});

describe("environmentHash", () => {
  const spec = { kind: "python" as const, requirements: ["a", "b"], label: "x" };

  it("depends on what is installed and not on the name", () => {
    expect(environmentHash(spec, "3.11")).toBe(environmentHash({ ...spec, label: "y" }, "3.11"));
    expect(environmentHash(spec, "3.11")).not.toBe(environmentHash(spec, "3.12"));
    expect(environmentHash(spec, "3.11")).not.toBe(environmentHash({ ...spec, requirements: ["a"] }, "3.11"));
    expect(environmentHash(spec, "3.11")).not.toBe(environmentHash({ ...spec, relax_pins: true }, "3.11"));
  });
});

describe("makePrefixer", () => {
  it("marks whole lines, whatever the pieces they come in, and the unended last one", () => {
    const written: string[] = [];
    const prefixer = makePrefixer("[rank 1] ", (text) => written.push(Buffer.from(text).toString()));

    for (const piece of ["a", "b\nc", "\n\n", "end"]) prefixer.take(Buffer.from(piece));
    prefixer.end();

    expect(written.join("")).toBe("[rank 1] ab\n[rank 1] c\n[rank 1] \n[rank 1] end\n");
  });
});

describe("planRanks", () => {
  it("gives MPI ranks their places where there is no mpirun", async () => {
    const plan = await planRanks(
      { ...baseAssignment(""), instance_count: 2, distribution: { type: "mpi", process_count_per_instance: 2 } },
      "",
    );

    expect(plan.launcher).toBeUndefined();
    expect(plan.ranks.map((rank) => rank.variables)).toMatchObject([
      { OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_LOCAL_RANK: "0", OMPI_COMM_WORLD_SIZE: "4" },
      { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_LOCAL_RANK: "1" },
      { OMPI_COMM_WORLD_RANK: "2", OMPI_COMM_WORLD_LOCAL_RANK: "0", OMPI_COMM_WORLD_NODE_RANK: "1" },
      { OMPI_COMM_WORLD_RANK: "3", OMPI_COMM_WORLD_LOCAL_RANK: "1" },
    ]);
  });

  it("leaves starting to mpirun where there is one", async () => {
    const bin = folder();
    writeFileSync(join(bin, "mpirun"), "#!/bin/sh\n");
    chmodSync(join(bin, "mpirun"), 0o755);

    const plan = await planRanks(
      { ...baseAssignment(""), distribution: { type: "mpi", process_count_per_instance: 3 } },
      bin,
    );

    expect(plan.ranks).toHaveLength(1);
    expect(plan.launcher?.slice(-2)).toEqual(["-n", "3"]);
  });
});

describe("failureOf", () => {
  it("tells a lack of memory from a signal somebody sent", () => {
    const end = { exitCode: undefined, signal: "SIGKILL" as const };

    expect(failureOf(end, "", true)).toMatch(/ran out of memory/);
    expect(failureOf(end, "", false)).toMatch(/signal SIGKILL \(9\), sent by somebody or by the system/);
  });

  it("quotes the last line that says something, without colours", () => {
    const tail = "Traceback\n\u001b[31mKeyError: 'x'\u001b[0m\n---\n\n";

    expect(failureOf({ exitCode: 1, signal: undefined }, tail, false)).toBe(
      "the command ended with exit code 1: KeyError: 'x'",
    );
  });
});

describe("parseRequest", () => {
  it("names what is missing", () => {
    expect(() => parseRequest('{"apiUrl":"http://x"}')).toThrow(/`token`/);
    expect(() => parseRequest("nonsense")).toThrow(/not JSON/);
  });
});
