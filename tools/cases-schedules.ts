import type { CaseHome } from "./cases-home.ts";

/** What a `run` case expects of a schedule: words, of which the minute and the zone are held against the times to come. */
export interface ScheduleExpectation {
  /** `hourly at :MM in ZONE (…)`. */
  readonly schedule?: string;
  /** The file of the job it submits. */
  readonly fires?: string;
}

export const SCHEDULE_KEYS = ["schedule", "fires"];

const HOUR_MS = 3_600_000;

/** Makes the schedule, compares when it would fire, fires it by hand, and follows the job. What does not match, in words. */
export async function judgeSchedule(
  home: CaseHome,
  path: string,
  expected: ScheduleExpectation,
): Promise<readonly string[]> {
  const ask = async <T>(...words: string[]): Promise<T> => JSON.parse(await home.yard([...words, "-o", "json"])) as T;
  const { name, trigger } = await ask<{ name: string; trigger: { time_zone?: string } }>(
    "schedule",
    "create",
    "-f",
    path,
  );
  const wrong: string[] = [];
  const [, minute, zone] = /^hourly at :(\d\d) in ([^(]+?)\s*(?:\(|$)/.exec(expected.schedule ?? "") ?? [];
  if (expected.schedule !== undefined && minute === undefined) {
    wrong.push(`the manifest expects \`${expected.schedule}\`, which this runner cannot judge`);
  } else if (minute !== undefined) {
    if (trigger.time_zone !== zone) wrong.push(`its time zone is ${trigger.time_zone}, not ${zone}`);
    const times = await ask<{ at: string }[]>("schedule", "next", "-n", name);
    const instants = times.map(({ at }) => Date.parse(at));
    if (instants.length < 2) wrong.push(`it would fire ${instants.length} times`);
    const odd = instants.findIndex(
      (at, i) => new Date(at).getUTCMinutes() !== Number(minute) || (i > 0 && at - (instants[i - 1] ?? 0) !== HOUR_MS),
    );
    if (odd >= 0) wrong.push(`it would fire at ${times[odd]?.at}, which is not hourly at :${minute}`);
  }
  if (expected.fires === undefined) return wrong;
  await home.yard(["schedule", "trigger", "-n", name]);
  const job = await firedJob(ask, name);
  if (job === undefined) return [...wrong, "it was fired, and submitted no job"];
  await home.yard(["job", "stream", "-n", job]).catch(() => "");
  const { status, tags } = await ask<{ status: string; tags: Record<string, string> }>("job", "show", "-n", job);
  if (status !== "Completed") wrong.push(`the job it submitted is ${status}`);
  if (tags["schedule.name"] !== name)
    wrong.push(`the job it submitted does not say by which schedule: ${JSON.stringify(tags)}`);
  return wrong;
}

async function firedJob(ask: <T>(...words: string[]) => Promise<T>, name: string): Promise<string | undefined> {
  for (let tries = 0; tries < 60; tries++) {
    const [firing] = await ask<{ job?: string }[]>("schedule", "firings", "-n", name);
    if (firing?.job !== undefined) return firing.job;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return undefined;
}
