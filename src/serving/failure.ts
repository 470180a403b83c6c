import { readFileSync } from "node:fs";

/** Exit code of our launcher when the script or model can't be served as it is; gunicorn uses the same for a worker that can't boot. */
export const UNSERVABLE = 3;

/** Why a model server ended, in a sentence for the person who deployed it. */
export function reasonOf(
  ended: { readonly code: number | null; readonly signal: string | null },
  failureFile: string,
  tail: readonly string[],
): string {
  const told = readFailure(failureFile);
  if (told !== undefined) return told;
  const cause = causeIn(tail);
  if (ended.signal === "SIGKILL") return "the model server was killed (SIGKILL); did the machine run out of memory?";
  if (ended.signal !== null)
    return `the model server died of ${ended.signal}${cause === undefined ? "" : `: ${cause}`}`;
  if (cause !== undefined) return cause;
  return `the model server ended with exit code ${ended.code}; its log has more`;
}

function readFailure(path: string): string | undefined {
  try {
    const { reason } = JSON.parse(readFileSync(path, "utf8")) as { reason?: unknown };
    return typeof reason === "string" && reason !== "" ? reason.slice(0, 2000) : undefined;
  } catch {
    return undefined;
  }
}

/** Azure's server tells of its failures in its log only: the step it names, and the last line of the script's own traceback. */
function causeIn(tail: readonly string[]): string | undefined {
  const lines = tail.slice(-200);
  const step = lines.some((line) => line.includes("User's init function failed"))
    ? "init() of the scoring script failed"
    : lines.some((line) => line.includes("Failed to import user script"))
      ? "importing the scoring script failed"
      : undefined;
  const raised = lines.filter(
    (line) =>
      /^[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Warning)(: .*)?$/.test(line) && !/UserScript\w*:?/.test(line),
  );
  const last = step === undefined ? raised.at(-1) : (raised[0] ?? undefined);
  const said = lines.find((line) => /run\(\) (cannot|needs)|does not have a (init|run)\(\) function/.test(line));
  if (step === undefined && said !== undefined) return said.replace(/^.*?(User script|run\(\))/, "$1");
  if (step === undefined) return last;
  return last === undefined ? step : `${step}: ${last}`;
}
