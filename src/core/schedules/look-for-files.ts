import { compareFiles, type FileMarks, marksBelow } from "../data/file-marks.ts";
import type { Files } from "../files/ports.ts";
import { readAll } from "../files/streams.ts";
import type { Objects } from "../ports/objects.ts";
import { type FireDeps, fireFor } from "./fire.ts";
import { fitsPattern } from "./name-pattern.ts";
import type { ScheduleRecord } from "./ports.ts";

export interface LookDeps extends FireDeps {
  readonly files: Files;
  readonly objects: Objects;
}

/** Firings of one look at most; the others come with the next one. */
const FIRINGS_LIMIT = 500;

/** What a trigger has seen, kept between looks and over restarts. */
interface Seen {
  /** Of the schedule's state that it belongs to. */
  readonly mark: string;
  readonly files: Readonly<Record<string, string>>;
  /** New at the last look: they may still be written. */
  readonly fresh: Readonly<Record<string, string>>;
}

const seenKey = ({ workspace, name }: ScheduleRecord): string => `ws/${workspace}/watches/${name}.json`;

/**
 * Looks once below the path of a file trigger and fires for each file that is new or changed, two looks after another the same. What is there at the first look of
 * a trigger does not fire it. Answers how many fired.
 */
export async function lookForFiles(deps: LookDeps, schedule: ScheduleRecord): Promise<number> {
  const { trigger, workspace, mark } = schedule;
  if (trigger.type !== "file" || !schedule.isEnabled) return 0;
  const { marks } = await marksBelow(deps.files, workspace, trigger.path);
  const seen = await readSeen(deps.objects, schedule);
  if (seen?.mark !== mark) {
    await writeSeen(deps.objects, schedule, { mark, files: Object.fromEntries(marks), fresh: {} });
    return 0;
  }
  const { added, changed, removed } = compareFiles(new Map(Object.entries(seen.files)), marks);
  const news = [...added, ...changed].filter((path) => fitsPattern(trigger.pattern, path));
  const due = news.filter((path) => seen.fresh[path] === marks.get(path)).slice(0, FIRINGS_LIMIT);
  for (const path of due) await fireFor(deps, schedule, fileCause(trigger.path, path, marks.get(path) ?? ""));
  if (news.length + removed.length > 0 || Object.keys(seen.fresh).length > 0)
    await writeSeen(deps.objects, schedule, { mark, ...after(seen.files, marks, news, due) });
  return due.length;
}

/** A file that fired is known by its mark, one that waits by its old one, if it had any. */
function after(
  known: Readonly<Record<string, string>>,
  marks: FileMarks,
  news: readonly string[],
  due: readonly string[],
): Pick<Seen, "files" | "fresh"> {
  const waits = new Set(news.filter((path) => !due.includes(path)));
  const entries = [...marks].flatMap(([path, mark]): (readonly [string, string])[] => {
    if (!waits.has(path)) return [[path, mark]];
    const old = known[path];
    return old === undefined ? [] : [[path, old]];
  });
  return {
    files: Object.fromEntries(entries),
    fresh: Object.fromEntries([...waits].map((path) => [path, marks.get(path) ?? ""])),
  };
}

/** A file as inputs name it. The same content at the same place is the same cause. */
export function fileCause(folder: string, path: string, mark: string, time?: string) {
  const uri = `${folder.replace(/\/+$/, "")}/${path}`;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    id: `file#${uri}#${mark}`,
    type: "file" as const,
    summary: `\`${uri}\` arrived`,
    values: { path, uri, name, folder, ...(time === undefined ? {} : { time }) },
  };
}

async function readSeen(objects: Objects, schedule: ScheduleRecord): Promise<Seen | undefined> {
  const object = await objects.get(seenKey(schedule));
  return object === undefined ? undefined : (JSON.parse(new TextDecoder().decode(await readAll(object.body))) as Seen);
}

async function writeSeen(objects: Objects, schedule: ScheduleRecord, seen: Seen): Promise<void> {
  await objects.put(seenKey(schedule), new TextEncoder().encode(JSON.stringify(seen)));
}

/** What a trigger has seen is of no use any more. */
export async function forgetFiles(objects: Objects, schedule: ScheduleRecord): Promise<void> {
  await objects.delete([seenKey(schedule)]);
}
