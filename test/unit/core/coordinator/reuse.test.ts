import { describe, expect, test } from "vitest";
import { AppError } from "../../../../src/contract/errors.ts";
import type { CommandJobSpec } from "../../../../src/contract/jobs.ts";
import { contentsOf } from "../../../../src/core/coordinator/reuse/contents.ts";
import {
  differences,
  type KeyParts,
  keyOf,
  partsOf,
  unverifiable,
} from "../../../../src/core/coordinator/reuse/step-key.ts";
import type { FoundFile } from "../../../../src/core/files/ports.ts";
import type { Plan } from "../../../../src/core/jobs/record.ts";

const TREE = "a".repeat(64);

function planOf(spec: Partial<CommandJobSpec> = {}, more: Partial<Plan> = {}): Plan {
  return {
    spec: { type: "command", command: "python train.py", environment: "python-3", ...spec },
    compute: "local",
    environment: { kind: "python", python: "3.11", requirements: ["pandas==2"], label: "python-3" },
    inputs: {
      data: { type: "uri_folder", uri: "azureml://datastores/d/paths/p/", mode: "mount" },
      rate: { type: "number", value: "0.10" },
    },
    outputs: {
      model: {
        type: "custom_model",
        uri: "azureml://datastores/w/paths/azureml/j/model/",
        mode: "upload",
        is_file: false,
      },
    },
    snapshot: `azureml://trees/${TREE}`,
    warnings: [],
    ...more,
  };
}

const parts = (plan: Plan, contents = { data: "files 1" }): KeyParts => partsOf(plan, contents) ?? {};

/** Parts that differ from those of a plan without changes. */
const changed = (plan: Plan, contents?: { readonly data: string }): readonly string[] =>
  differences(parts(planOf()), parts(plan, contents)).map(({ part }) => part);

describe("a step's key", () => {
  test("follows from what its results follow from", () => {
    const environment = { ...planOf().environment, python: "3.12" } as NonNullable<Plan["environment"]>;
    const rate = { ...planOf().inputs, rate: { type: "number", value: "0.2" } };

    expect(changed(planOf({ command: "python other.py" }))).toEqual(["command"]);
    expect(changed(planOf({}, { snapshot: "azureml://trees/b" }))).toEqual(["code"]);
    expect(changed(planOf({}, { environment }))).toEqual(["environment.python"]);
    expect(changed(planOf({ environment_variables: { SEED: "1" } }))).toEqual(["environment_variables.SEED"]);
    expect(changed(planOf({}, { inputs: rate }))).toEqual(["inputs.rate"]);
    expect(changed(planOf(), { data: "files 2" })).toEqual(["inputs.data"]);
    expect(changed(planOf({ resources: { instance_count: 2 } }))).toEqual(["resources.instance_count"]);
    expect(changed(planOf({ outputs: { model: { path: "azureml://datastores/w/paths/${{name}}/m" } } }))).toEqual([
      "outputs.model",
    ]);
    expect(changed(planOf({ command: "python other.py" }, { snapshot: "azureml://trees/b" }))).toEqual([
      "command",
      "code",
    ]);
  });

  test("does not follow from names, places and limits", async () => {
    const elsewhere = {
      data: { type: "uri_folder", uri: "azureml://datastores/d/paths/q/", mode: "download" },
    } as const;
    const plan = planOf(
      { display_name: "again", limits: { timeout: 5 }, tags: { a: "b" }, compute: "azureml:big" },
      { compute: "big", inputs: { ...planOf().inputs, ...elsewhere } },
    );

    expect(changed(plan)).toEqual([]);
    expect(await keyOf(parts(plan))).toBe(await keyOf(parts(planOf())));
  });

  test("knows an address where the command is given it instead of the files", () => {
    const direct = (path: string) =>
      planOf({}, { inputs: { data: { type: "uri_folder", uri: path, mode: "direct" } } });

    expect(differences(parts(direct("azureml://a")), parts(direct("azureml://b"))).map(({ part }) => part)).toEqual([
      "inputs.data",
    ]);
  });

  test("is not made where nobody can tell later whether the results still stand", () => {
    const fixed = planOf({ outputs: { model: { path: "azureml://datastores/w/paths/models/" } } });
    const { model } = planOf().outputs;
    const direct = planOf({}, { outputs: model === undefined ? {} : { model: { ...model, mode: "direct" } } });

    expect(unverifiable(planOf())).toBeUndefined();
    expect(unverifiable(fixed)).toContain("place of its own");
    expect(unverifiable(direct)).toContain("mode direct");
  });
});

describe("contents of inputs", () => {
  const uri = "https://example.org/a.csv";
  const inputs = { data: { type: "uri_file", uri } };
  const deps = (files: () => Promise<readonly Partial<FoundFile>[]>) => ({
    jobs: { get: async () => undefined },
    files: { list: async () => ({ files: await files() }) } as never,
  });
  const file = { path: "a.csv", sizeBytes: 3, uri };

  test("are known by what changes with them, wherever they are", async () => {
    const marked = (mark: string) =>
      contentsOf(
        deps(async () => [{ ...file, mark }]),
        "default",
        inputs,
      );

    expect(await marked('"v1"')).toEqual(await marked('"v1"'));
    expect(await marked('"v1"')).not.toEqual(await marked('"v2"'));
    expect(
      await contentsOf(
        deps(async () => []),
        "default",
        { data: { type: "uri_folder", uri: `azureml://trees/${TREE}` } },
      ),
    ).toEqual({ contents: { data: `files ${TREE}` } });
  });

  test("are not known where only reading would tell, or the place can't be reached", async () => {
    const unreachable = async (): Promise<never> => {
      throw new AppError("DatastoreUnreachable", "no answer from example.org");
    };

    expect(
      await contentsOf(
        deps(async () => [file]),
        "default",
        inputs,
      ),
    ).toEqual({
      off: `input \`data\`: only reading \`${uri}\` would tell whether it changed`,
    });
    expect(await contentsOf(deps(unreachable), "default", inputs)).toEqual({
      off: "input `data`: no answer from example.org",
    });
  });
});
