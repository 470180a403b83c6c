import type { RunPoints } from "../../core/tracking/history.ts";
import type { Points } from "../../core/tracking/ports.ts";
import { JsonReply } from "../reply.ts";

const UTF8 = new TextEncoder();
/** Points of one piece of text: few enough that what it is made of is garbage before it is collected. */
const PIECE = 256;

/** One key's points of one run, as `metrics/get-history` answers them. */
export function historyReply(key: string, points: Points, next: string | undefined): JsonReply {
  if (points.length === 0) return new JsonReply("{}");
  const token = next === undefined ? "" : `,"next_page_token":${JSON.stringify(next)}`;
  return new JsonReply(['{"metrics":[', ...pieces(key, points, undefined), `]${token}}`]);
}

/** One key's points of several runs, each with its run's id. */
export function bulkReply(key: string, all: readonly RunPoints[]): JsonReply {
  const found = all.filter(({ points }) => points.length > 0);
  if (found.length === 0) return new JsonReply("{}");
  const body = found.flatMap(({ runId, points }, i) => [i === 0 ? '{"metrics":[' : ",", ...pieces(key, points, runId)]);
  return new JsonReply([...body, "]}"]);
}

/** Text at once: histories are long, and an object a point is most of the cost. */
function pieces(key: string, points: Points, runId: string | undefined): Uint8Array<ArrayBuffer>[] {
  const { length, values, timestamps, steps } = points;
  const head = `{"key":${JSON.stringify(key)},"value":`;
  const tail = runId === undefined ? "}" : `,"run_id":${JSON.stringify(runId)}}`;
  const made: Uint8Array<ArrayBuffer>[] = [];
  for (let from = 0; from < length; from += PIECE) {
    const to = Math.min(length, from + PIECE);
    let text = "";
    for (let i = from; i < to; i++) {
      const value = values[i] ?? 0;
      text += `${i === 0 ? "" : ","}${head}${Number.isNaN(value) ? '"NaN"' : value},"timestamp":${digits(timestamps[i] ?? 0)},"step":${digits(steps[i] ?? 0)}${tail}`;
    }
    made.push(UTF8.encode(text));
  }
  return made;
}

const MILLION = 1_000_000;
const THREE = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, "0"));
let lastMillions = 0;
let lastText = "0";

/** An integer as text, as `String` makes it. Times of one history share all but their last digits, and text of small integers is made quicker. */
function digits(n: number): string {
  if ((n | 0) === n) return String(n | 0);
  if (!(n >= MILLION && n <= Number.MAX_SAFE_INTEGER)) return String(n);
  const millions = Math.floor(n / MILLION);
  if (millions !== lastMillions) {
    lastMillions = millions;
    lastText = String(millions);
  }
  const rest = n - millions * MILLION;
  return `${lastText}${THREE[Math.floor(rest / 1000)]}${THREE[rest % 1000]}`;
}
