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

/** The final word: on disk first, then the logs' rest, then the report, again and again until it is heard. */
export async function deliver(attempt: Attempt, outcome: Outcome): Promise<void> {
  const { files, orders, log, systemLog, request, tell } = attempt;
  tell(`${outcome.status}${outcome.reason === undefined ? "" : `: ${outcome.reason}`}\n`);
  const reason = outcome.reason?.slice(0, 4000);
  files.final({
    attempt: request.attemptId,
    at: new Date().toISOString(),
    ...outcome,
    ...(reason === undefined ? {} : { reason }),
  });
  await Promise.allSettled([log.end(), systemLog.end()]);
  await orders.report({ ...outcome, ...(reason === undefined ? {} : { reason }) }).catch(() => {});
  files.phase("Done");
}
