import { type Token, tokenize } from "../../contract/expressions.ts";
import type { CommandJobSpec } from "../../contract/jobs.ts";
import { nearest } from "../../spec/suggest.ts";
import type { Findings } from "./problems.ts";

/** Every expression in the command and the environment variables must name something the job has. */
export function checkExpressions(spec: CommandJobSpec, findings: Findings): void {
  checkText(spec, "command", spec.command, findings);
  for (const [name, text] of Object.entries(spec.environment_variables ?? {})) {
    checkText(spec, `environment_variables.${name}`, text, findings);
  }
  checkParallel(spec, findings);
}

/** What is cut must be data, what rows go to an output. */
function checkParallel({ parallel, inputs = {}, outputs = {} }: CommandJobSpec, findings: Findings): void {
  if (parallel === undefined) return;
  const { input_data: input, append_row_to: output } = parallel;
  if (inputs[input] === undefined) {
    const message = `there is no input \`${input}\``;
    findings.problems.push({ field: "input_data", message, hint: "it names the input that is cut into mini-batches" });
  }
  if (output !== undefined && outputs[output] === undefined) {
    findings.problems.push({ field: "task.append_row_to", message: `there is no output \`${output}\`` });
  }
}

function checkText(spec: CommandJobSpec, field: string, text: string, findings: Findings): void {
  visit(tokenize(text), false);

  function visit(tokens: readonly Token[], optional: boolean): void {
    for (const token of tokens) {
      if (token.kind === "group") visit(token.tokens, true);
      else if (token.kind === "broken") {
        findings.problems.push({ field, message: `expression \`${token.raw}\` ${token.reason}` });
      } else if (token.kind === "binding") checkBinding(token.path, token.raw, optional);
    }
  }

  function checkBinding(path: readonly string[], raw: string, optional: boolean): void {
    const [group = "", ...rest] = path;
    const name = rest.join(".");
    if (group === "inputs") checkInput(name, raw, optional);
    else if (group === "outputs") checkNamed(name, raw, "output", Object.keys(spec.outputs ?? {}));
    else if (group === "secrets" && field !== "command") return;
    else if (group !== "name" && group !== "default_datastore") {
      const hint =
        group === "secrets"
          ? "a secret is for `environment_variables`; the command reads the variable"
          : "a command job has `${{inputs.NAME}}` and `${{outputs.NAME}}`";
      findings.problems.push({ field, message: `expression \`${raw}\` is not known in a command job`, hint });
    }
  }

  function checkInput(name: string, raw: string, optional: boolean): void {
    const inputs = spec.inputs ?? {};
    if (!checkNamed(name, raw, "input", Object.keys(inputs))) return;
    const input = inputs[name];
    if (optional || input === undefined || "path" in input || input.value !== undefined) return;
    const hint = `give it a value, or write \`$[[… ${raw} …]]\``;
    findings.problems.push({ field, message: `input \`${name}\` has no value but \`${raw}\` needs one`, hint });
  }

  function checkNamed(name: string, raw: string, noun: "input" | "output", known: readonly string[]): boolean {
    if (known.includes(name)) return true;
    const close = nearest(name, known);
    const hint =
      close === undefined ? `declare \`${name}\` under \`${noun}s\`` : `did you mean \`\${{${noun}s.${close}}}\`?`;
    findings.problems.push({ field, message: `\`${raw}\` names an ${noun} that is not declared`, hint });
    return false;
  }
}
