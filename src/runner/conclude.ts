import { type Attempt, type Outcome, portsOptions } from "./attempt.ts";
import { reasonOf } from "./failure.ts";
import { type Ports, sendArtifacts, sendOutputs } from "./ports.ts";

/** Stores outputs and artifacts. A completed command whose results cannot be kept has failed. */
export async function finalize(attempt: Attempt, ports: Ports, outcome: Outcome): Promise<Outcome> {
  const options = portsOptions(attempt);
  try {
    await sendArtifacts(options, attempt.work);
    const outputs = await sendOutputs(options, ports.outputs);
    return { ...outcome, outputs };
  } catch (error) {
    attempt.tell(`collecting results failed: ${reasonOf(error)}\n`);
    if (outcome.status !== "Completed") return outcome;
    return {
      ...outcome,
      status: "Failed",
      reason: `the command succeeded, but its results could not be stored: ${reasonOf(error)}`,
    };
  }
}

/** The final word: on disk first, then, with the logs' rest, to the home, again and again until it is heard. */
export async function deliver(attempt: Attempt, outcome: Outcome): Promise<void> {
  const { files, orders, log, systemLog, request, tell } = attempt;
  tell(`${outcome.status}${outcome.reason === undefined ? "" : `: ${outcome.reason}`}\n`);
  const reason = outcome.reason?.slice(0, 4000);
  const final = { ...outcome, ...(reason === undefined ? {} : { reason }) };
  files.final({ attempt: request.attemptId, at: new Date().toISOString(), ...final });
  const ended = await Promise.allSettled([log.end(REST_BYTES), systemLog.end(REST_BYTES)]);
  const logs = ended.flatMap((end) => (end.status === "fulfilled" && end.value !== undefined ? [end.value] : []));
  await orders.report({ ...final, ...(logs.length === 0 ? {} : { logs }) }).catch(() => {});
  files.phase("Done");
}

/** So much of a log travels with the report, instead of before it. */
const REST_BYTES = 32 * 1024;
