/** What a look at one part has shown. */
export interface Finding {
  readonly part: string;
  readonly verdict: "ok" | "warning" | "bad";
  readonly says: string;
  /** What to do about it. */
  readonly fix?: string;
}

export const ok = (part: string, says: string): Finding => ({ part, verdict: "ok", says });
export const warning = (part: string, says: string, fix: string): Finding => ({ part, verdict: "warning", says, fix });
export const bad = (part: string, says: string, fix: string): Finding => ({ part, verdict: "bad", says, fix });

/** A look whose failure is a finding, too. */
export async function look(part: string, fix: string, work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work();
  } catch (error) {
    return bad(part, error instanceof Error ? error.message : String(error), fix);
  }
}

const SKEW_WARNING_MS = 30_000;
/** Signatures of AWS are good for 5 minutes. */
const SKEW_BAD_MS = 240_000;

/** This machine's clock beside another's, by the `Date` of an answer (whole seconds). */
export function clockFinding(part: string, date: string | null | undefined, nowMs: number): Finding {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs))
    return warning(part, "the answer has no date to compare with", "compare by hand: `date -u`");
  const skewMs = Math.abs(nowMs - theirs);
  const seconds = Math.round(skewMs / 1000);
  const fix = "set this machine's clock: `timedatectl set-ntp true`, or the system's settings of date and time";
  if (skewMs > SKEW_BAD_MS)
    return bad(part, `this machine's clock is ${seconds} seconds off; signed requests fail`, fix);
  if (skewMs > SKEW_WARNING_MS) return warning(part, `this machine's clock is ${seconds} seconds off`, fix);
  return ok(part, `within ${Math.max(1, seconds)} s`);
}
