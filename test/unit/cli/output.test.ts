import { describe, expect, it, onTestFinished, vi } from "vitest";
import { errorText } from "../../../src/cli/output/error.ts";
import { type Format, print } from "../../../src/cli/output/format.ts";
import { list, one, type Shown, text } from "../../../src/cli/output/shown.ts";
import { tableText } from "../../../src/cli/output/table.ts";
import { makeProgress } from "../../../src/cli/progress.ts";
import { AppError } from "../../../src/contract/errors.ts";

async function printed(shown: Shown, format?: Format, query?: string, terminal?: number): Promise<string> {
  let out = "";
  const stream = {
    write: (part: string) => {
      out += part;
    },
    isTTY: terminal !== undefined,
    columns: terminal,
  };
  await print(stream, shown, format, query);
  return out;
}

const jobs = [
  { name: "a", status: "Completed", tags: { team: "x" }, took: 3 },
  { name: "b", status: "Failed", tags: {}, took: null },
];
const shown = list(jobs, [
  { head: "Name", of: (it) => it.name },
  { head: "Status", of: (it) => it.status },
]);

describe("a result", () => {
  it("is a table on a terminal and JSON elsewhere, unless a format is asked for", async () => {
    expect(await printed(shown, undefined, undefined, 80)).toBe(
      "Name  Status\n----  ---------\na     Completed\nb     Failed\n",
    );
    expect(JSON.parse(await printed(shown))).toEqual(jobs);
    expect(JSON.parse(await printed(shown, "json", undefined, 80))).toEqual(jobs);
    expect(await printed(shown, "none", undefined, 80)).toBe("");
  });

  it("of one thing is its short form on a terminal, YAML where it has none", async () => {
    const brief = one(jobs[0], (it) => [
      ["Name", it?.name],
      ["Tags", it?.tags],
      ["Absent", undefined],
    ]);

    expect(await printed(brief, undefined, undefined, 80)).toBe("Name  a\nTags  team=x\n");
    expect(await printed(one({ a: 1, b: ["x"] }), "table")).toBe("a: 1\nb:\n  - x\n");
  });

  it("as YAML is the whole of it", async () => {
    expect(await printed(one({ a: "1", b: null }), "yaml")).toBe('a: "1"\nb: null\n');
  });

  it("as text stays text in every format", async () => {
    expect(await printed(text("as it is"), "json")).toBe("as it is");
  });

  it("is coloured as jsonc on a terminal only", async () => {
    expect(await printed(one({ a: 1 }), "jsonc", undefined, 80)).toContain("\u001b[");
    expect(await printed(one({ a: 1 }), "jsonc")).toBe('{\n  "a": 1\n}\n');
  });
});

describe("--query", () => {
  it.each([
    ["[0].name", "tsv", "a\n"],
    ["[].name", "tsv", "a\nb\n"],
    ["[].[name,took]", "tsv", "a\t3\nb\t\n"],
    ["[].{n:name,t:tags}", "tsv", "a\t\nb\t\n"],
    ["length(@)", "tsv", "2\n"],
    ["[?status=='Failed'].name | [0]", "tsv", "b\n"],
    ["[0].absent", "tsv", "\n"],
    ["[0].absent", "json", "null\n"],
    ["[0].name", undefined, '"a"\n'],
    ["[].{Job:name,State:status}", "table", "Job  State\n---  ---------\na    Completed\nb    Failed\n"],
    ["[].name", "table", "Result\n------\na\nb\n"],
  ] as const)("%s as %s", async (query, format, expected) => {
    expect(await printed(shown, format, query, 80)).toBe(expected);
  });

  it("that cannot be read is the caller's mistake", async () => {
    await expect(printed(shown, "json", "[")).rejects.toMatchObject({ code: "InvalidArgument" });
  });
});

describe("a table", () => {
  it("gives way in its widest column until it fits the terminal", () => {
    const out = tableText(["Name", "Text"], [["a", "word ".repeat(40).trim()]], 40);

    for (const line of out.trimEnd().split("\n")) expect(line.length).toBeLessThanOrEqual(40);
    expect(out).toContain("…");
  });

  it("counts wide characters twice and combining marks not at all", () => {
    const [, rule, first, second] = tableText(
      ["N", "X"],
      [
        ["日本", "1"],
        ["cafe\u0301", "2"],
      ],
      undefined,
    ).split("\n");

    expect(rule).toBe("----  -");
    expect(first).toBe("日本  1");
    expect(second).toBe("cafe\u0301  2");
  });

  it("keeps a row on its line", () => {
    expect(tableText(["N"], [["a"]], undefined).split("\n")).toHaveLength(4);
  });
});

describe("an error", () => {
  const plain = { json: false, debug: false, color: false };

  it("tells what, where and what to do", () => {
    const error = new AppError("InvalidSpec", "job.yml:3:1: unknown field `comand` (and 1 more)", {
      hint: "did you mean `command`?",
      errors: [
        {
          file: "job.yml",
          line: 3,
          column: 1,
          field: "comand",
          message: "unknown field `comand`",
          hint: "did you mean `command`?",
        },
        { file: "job.yml", line: 5, column: 9, field: "inputs.x", message: "is not a number" },
      ],
    });

    expect(errorText(error, plain)).toBe(
      "error: job.yml:3:1: unknown field `comand` (and 1 more)\n" +
        "  job.yml:3:1: comand: unknown field `comand` (did you mean `command`?)\n" +
        "  job.yml:5:9: inputs.x: is not a number\n" +
        "hint: did you mean `command`?\n",
    );
  });

  it("is one JSON object where JSON is asked for", () => {
    const error = new AppError("NotFound", "no job `x`", { hint: "look", status: 404 });

    expect(JSON.parse(errorText(error, { ...plain, json: true }))).toEqual({
      error: { code: "NotFound", message: "no job `x`", hint: "look", details: { status: 404 } },
    });
  });

  it("that nobody foresaw is owned up to", () => {
    expect(errorText(new TypeError("x is not a function"), plain)).toContain("fault of yard");
    expect(errorText(new TypeError("x is not a function"), { ...plain, debug: true })).toContain("output.test.ts");
  });
});

describe("progress", () => {
  function watched(isTTY: boolean) {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const said: string[] = [];
    const out = { write: (part: string) => void said.push(part), isTTY, columns: 40 };
    return { said, progress: makeProgress(out, "uploading") };
  }

  it("says nothing of what takes less than a second", () => {
    const { said, progress } = watched(true);

    progress.update("1 of 2");
    vi.advanceTimersByTime(900);
    progress.update("2 of 2");
    progress.end();

    expect(said).toEqual([]);
  });

  it("is one line that changes on a terminal, and is gone at the end", () => {
    const { said, progress } = watched(true);

    vi.advanceTimersByTime(1100);
    progress.update("1 of 3");
    progress.update("2 of 3, too soon to show");
    vi.advanceTimersByTime(200);
    progress.update(`3 of 3 ${"x".repeat(100)}`);
    progress.end();

    expect(said).toHaveLength(3);
    expect(said[0]).toContain("uploading: 1 of 3");
    expect(said.every((part) => part.startsWith("\r") && !part.includes("\n"))).toBe(true);
    expect(said[1]?.length).toBeLessThan(50);
  });

  it("is a plain line now and then elsewhere", () => {
    const { said, progress } = watched(false);

    for (let second = 0; second < 12; second++) {
      vi.advanceTimersByTime(1000);
      progress.update(`second ${second + 1}`);
    }
    progress.end();

    expect(said).toEqual(["uploading: second 1\n", "uploading: second 6\n", "uploading: second 11\n"]);
  });
});
