import { describe, expect, it } from "vitest";
import { ENVIRONMENT, errorsOf, validate } from "./support.ts";

const STEP = `command: "true"
inputs: {n: 1}
outputs: {n: {type: integer}, more: {type: boolean}, files: {type: uri_folder}}
${ENVIRONMENT}`;

const pipeline = (steps: string): string => `type: pipeline
jobs:
  one:
${STEP.replace(/^/gm, "    ")}
  two:
${STEP.replace(/^/gm, "    ")}
${steps.replace(/^/gm, "  ")}`;
const errors = (steps: string): string[] => errorsOf(validate(pipeline(steps), "job"));

describe("steps that run other steps", () => {
  it("name them by binding or by name", () => {
    expect(errors("if: {type: if_else, condition: true, true_block: one, false_block: [two]}")).toEqual([]);
    expect(
      errors(
        "loop: {type: do_while, body: '${{parent.jobs.one}}', condition: '${{parent.jobs.one.outputs.more}}', mapping: {n: '${{parent.jobs.one.inputs.n}}'}}",
      ),
    ).toEqual([]);
    expect(errors("each: {type: parallel_for, body: one, items: [{n: 1}, {n: 2}]}")).toEqual([]);
  });

  it("are refused where a step is not there, with the nearest", () => {
    const [error, ...more] = errors("loop: {type: do_while, body: onne, condition: more}");

    expect(more).toEqual([]);
    expect(error).toMatch(/^17:32 jobs\.loop\.body: no step named `onne`/);
  });

  it("are refused where they wait for themselves", () => {
    const said = errors("if: {type: if_else, condition: '${{parent.jobs.one.outputs.more}}', true_block: one}");

    expect(said.join()).toContain("steps form a cycle: `one` waits for `if` waits for `one`");
  });

  it("are refused without what they decide by, or run", () => {
    expect(errors("if: {type: if_else, true_block: one}").join()).toContain("`condition`");
    expect(errors("if: {type: if_else, condition: true}").join()).toContain("`true_block` or `false_block`");
    expect(errors("each: {type: parallel_for, body: one}").join()).toContain("`items`");
  });

  it("give a loop's body the inputs that their items have", () => {
    const component = `type: command\nname: c\ninputs: {n: {type: integer}}\ncommand: "true"\n${ENVIRONMENT}`;
    const text = (items: string): string => `type: pipeline
jobs:
  body: {component: ./c.yml}
  each: {type: parallel_for, body: body, items: ${items}}
`;
    const said = (items: string) => errorsOf(validate(text(items), "job", { "c.yml": component }));

    expect(said("[{n: 1}]")).toEqual([]);
    expect(said("'[{\"n\": 1}]'")).toEqual([]);
    expect(said("[{m: 1}]").join()).toContain("missing required input `n` of step `body`");
  });
});

describe("bindings to outputs of steps", () => {
  const component = `type: command
name: c
inputs: {n: {type: number, optional: true}, d: {type: uri_folder, optional: true}}
outputs: {files: {type: uri_folder}, n: {type: integer}, text: {type: string}}
command: "true"
${ENVIRONMENT}`;
  const said = (binding: string): string[] =>
    errorsOf(
      validate(
        `type: pipeline
outputs: {made: {type: uri_folder}}
jobs:
  a: {component: ./c.yml}
  b: {component: ./c.yml, ${binding}}
`,
        "job",
        { "c.yml": component },
      ),
    );
  const input = (name: string, output: string): string => `inputs: {${name}: "\${{parent.jobs.a.outputs.${output}}}"}`;

  it("fit where both are files, or values of which one holds the other", () => {
    expect(said(input("d", "files"))).toEqual([]);
    expect(said(input("n", "n"))).toEqual([]);
  });

  it("are refused at their place where one is files and the other a value, or a text a number", () => {
    expect(said(input("d", "n"))).toEqual([
      "5:39 jobs.b.inputs.d: input `d` is of type `uri_folder`, but output `n` of step `a` is `integer`",
    ]);
    expect(said(input("n", "files")).join()).toContain("input `n` is of type `number`");
    expect(said(input("n", "text")).join()).toContain("output `text` of step `a` is `string`");
  });

  it("are refused where a value is to be the pipeline's folder", () => {
    expect(said('outputs: {n: "${{parent.outputs.made}}"}').join()).toContain(
      "the pipeline's output `made` is `uri_folder`",
    );
  });
});
