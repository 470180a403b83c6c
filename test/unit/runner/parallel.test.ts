import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ParallelTask } from "../../../src/contract/parallel.ts";
import type { Assignment } from "../../../src/contract/runner.ts";
import { layParallel } from "../../../src/runner/parallel.ts";
import { findPython } from "../../../src/runner/tools/python.ts";
import { freePort } from "../../helpers/ports.ts";
import { MLFLOW_CLIENT, pythonWith, runPython } from "../../helpers/python.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parallel-"));
  for (const name of ["code", "data", "rows"]) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SCRIPT = `
import argparse, os
def init():
    global args
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int)
    args, _ = parser.parse_known_args()
def run(mini_batch):
    return [f"{os.path.basename(path)} {int(open(path).read()) * args.scale}" for path in mini_batch]
`;

interface Case {
  readonly script?: string;
  readonly task?: Partial<ParallelTask>;
  readonly nodes?: number;
  readonly table?: boolean;
}

/** Writes what a runner would, and runs the command on each node. */
async function drive({ script = SCRIPT, task = {}, nodes = 1, table = false }: Case) {
  writeFileSync(join(folder, "code/score.py"), script);
  const assignment = {
    inputs: { data: { type: table ? "mltable" : "uri_folder" } },
    outputs: { rows: { type: "uri_folder", uri: "", mode: "upload", is_file: false } },
    instance_count: nodes,
  } as unknown as Assignment;
  const given = {
    entry_script: "score.py",
    program_arguments: "--scale 10 --error_threshold 3",
    input_data: "data",
    mini_batch_size: "2",
    max_concurrency_per_instance: 2,
    append_row_to: "rows",
    key: "a-shared-secret",
    ...task,
  };
  const ports = { inputs: { data: join(folder, "data") }, outputs: { rows: join(folder, "rows") } };
  const command = layParallel(assignment, given, ports, folder);
  const python = table ? await pythonWith(MLFLOW_CLIENT) : (await findPython()).path;
  const args =
    command
      .slice(command.indexOf('"', 1) + 1)
      .match(/"[^"]+"/g)
      ?.map((word) => word.slice(1, -1)) ?? [];
  const port = String(await freePort());
  const all = await Promise.all(
    Array.from({ length: nodes }, (_, node) =>
      runPython(
        python,
        [
          "-c",
          `import os,sys; os.chdir(${JSON.stringify(join(folder, "code"))}); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])`,
          ...args,
        ],
        {
          NODE_RANK: String(node),
          MASTER_ADDR: "127.0.0.1",
          MASTER_PORT: port,
        },
      ),
    ),
  );
  const [main] = all;
  return {
    code: main?.code,
    codes: all.map((one) => one.code),
    text: all.map((one) => one.stdout + one.stderr).join("\n"),
    rows: rowsIfAny(),
  };
}

function rowsIfAny(): readonly string[] {
  try {
    return readFileSync(join(folder, "rows/parallel_run_step.txt"), "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

function numbers(count: number): void {
  for (let n = 0; n < count; n++) writeFileSync(join(folder, "data", `${String(n).padStart(2, "0")}.txt`), String(n));
}

describe("a parallel job's driver", () => {
  it("runs every mini-batch once and keeps their order in the gathered rows", async () => {
    numbers(9);
    const { code, text, rows } = await drive({});
    expect(text).toContain("5 of 5 mini-batches done, 0 failed");
    expect(code).toBe(0);
    expect(rows).toEqual(Array.from({ length: 9 }, (_, n) => `0${n}.txt ${n * 10}`));
  });

  it("tries a mini-batch again whose worker dies, hangs or raises, and goes on without it in the end", async () => {
    numbers(8);
    const script = `
import os, time
def run(mini_batch):
    name = os.path.basename(mini_batch[0])
    if name == "01.txt": os._exit(9)
    if name == "03.txt": time.sleep(60)
    if name == "05.txt": raise ValueError("five is odd")
    if name == "07.txt" and not os.path.exists("seen"):
        open("seen", "w").close()
        raise OSError("once")
    return [name]
`;
    const { code, text, rows } = await drive({
      script,
      task: { mini_batch_size: "1", retry_settings: { max_retries: 1, timeout: 1 } },
    });
    expect(code).toBe(0);
    expect(rows).toEqual(["00.txt", "02.txt", "04.txt", "06.txt", "07.txt"]);
    for (const words of ["exit code 9", "longer than 1 s", "ValueError: five is odd", "OSError: once", "3 failed"]) {
      expect(text).toContain(words);
    }
  });

  it("fails when more mini-batches or items fail than may", async () => {
    numbers(6);
    const script = "def run(mini_batch):\n    raise ValueError('no')\n";
    const strict = await drive({
      script,
      task: { mini_batch_error_threshold: 1, retry_settings: { max_retries: 0 } },
    });
    expect(strict.code).toBe(1);
    expect(strict.text).toContain("2 mini-batches failed; `mini_batch_error_threshold` is 1");
    const few = await drive({
      script: "def run(mini_batch):\n    return mini_batch[:1]\n",
      task: { error_threshold: 2 },
    });
    expect(few.code).toBe(1);
    expect(few.text).toContain("3 items have no result; `error_threshold` is 2");
  });

  it("says what is wrong with a script that can't start, and with one that returns nothing", async () => {
    numbers(2);
    const broken = await drive({ script: "import nothing_of_that_name\n" });
    expect(broken.code).toBe(1);
    expect(broken.text).toContain("`score.py` can't start: ModuleNotFoundError");
    const silent = await drive({ script: "def run(mini_batch):\n    pass\n", task: { mini_batch_error_threshold: 0 } });
    expect(silent.code).toBe(1);
    expect(silent.text).toContain("must return a list or a DataFrame");
    const lost = await drive({ task: { entry_script: "other.py" } });
    expect(lost.text).toContain("the code has no file `other.py`");
  });

  it("shares the mini-batches among machines", async () => {
    numbers(12);
    const script = `
import os, time
def run(mini_batch):
    time.sleep(0.3)
    return [f"{os.path.basename(mini_batch[0])} {os.environ['NODE_RANK']}"]
`;
    const { code, rows } = await drive({ script, nodes: 2, task: { mini_batch_size: "1" } });
    expect(code).toBe(0);
    expect(rows.map((row) => row.split(" ")[0])).toHaveLength(12);
    expect(new Set(rows.map((row) => row.split(" ")[1]))).toEqual(new Set(["0", "1"]));
  });

  it("ends on a machine that comes when all is done", async () => {
    numbers(1);
    const script = "def run(mini_batch):\n    return mini_batch\n";

    const { code, codes } = await drive({ script, nodes: 3, task: { mini_batch_size: "1" } });

    expect(code).toBe(0);
    expect(codes).toEqual([0, 0, 0]);
  });

  it("calls shutdown() and passes a context to a run() that takes one", async () => {
    numbers(3);
    const script = `
def run(mini_batch, context):
    return [context.minibatch_index] * len(mini_batch)
def shutdown():
    print("shut down properly")
`;
    const { rows, text } = await drive({ script });
    expect(rows).toEqual(["0", "0", "1"]);
    expect(text).toContain("shut down properly");
  });

  it("cuts a table by size and by partition keys", async () => {
    writeFileSync(join(folder, "data/a.csv"), "store,brand,units\n1,x,5\n2,x,6\n1,y,7\n2,x,8\n");
    writeFileSync(
      join(folder, "data/MLTable"),
      "paths:\n  - pattern: ./*.csv\ntransformations:\n  - read_delimited:\n      delimiter: ','\n      header: all_files_same_headers\n  - drop_columns: []\n",
    );
    const script = `
import pandas as pd
def run(mini_batch, context):
    return pd.DataFrame([[context.partition_key_value.get("store", 0), mini_batch["units"].sum()]] * len(mini_batch))
`;
    const keyed = await drive({ script, table: true, task: { partition_keys: ["store"] } });
    expect(keyed.text).toContain("2 mini-batches");
    expect(keyed.rows).toEqual(["1 12", "1 12", "2 14", "2 14"]);
    const sized = await drive({ script, table: true, task: { mini_batch_size: "0.03kb" } });
    expect(sized.text).toContain("2 of 2 mini-batches done");
    expect(sized.rows).toEqual(["0 11", "0 11", "0 15", "0 15"]);
  }, 300_000);
});
