/** A zone's offset from UTC in ms at an instant. */
export type Offsets = (atMs: number) => number;

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Offsets of an IANA zone, by the time zone data of this runtime. */
export function offsetsOf(zone: string): Offsets {
  if (zone === "UTC" || zone === "Etc/UTC") return () => 0;
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  const known = format;
  return (atMs) => {
    const whole = Math.floor(atMs / 1000) * 1000;
    const found: Record<string, number> = {};
    for (const { type, value } of known.formatToParts(whole)) found[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
    return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
  };
}

/** What a clock on the wall shows, as if it were UTC. */
export function wallOf(offsets: Offsets, atMs: number): number {
  return atMs + offsets(atMs);
}

/**
 * The instants at which a wall clock shows a time. Twice in an hour that comes twice; a time that is skipped means the instant that the clock would have shown
 * without the change (RFC 5545), so nothing of a day is lost.
 */
export function instantsOf(offsets: Offsets, wallMs: number): readonly number[] {
  const before = offsets(wallMs - DAY_MS);
  const after = offsets(wallMs + DAY_MS);
  if (before === after) return [wallMs - before];
  const instants = [wallMs - before, wallMs - after].filter((atMs) => wallOf(offsets, atMs) === wallMs);
  return instants.length === 0 ? [wallMs - before] : instants.sort((a, b) => a - b);
}

/** The instant that a text of a file names: with an offset of its own, else in the zone. NaN for no time. */
export function instantOf(offsets: Offsets, text: string): number {
  const shape = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(text.trim());
  if (shape === null) return Number.NaN;
  const [, date, time = "00:00", zone] = shape;
  if (zone !== undefined)
    return Date.parse(`${date}T${time}${zone.toUpperCase().replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`);
  const wall = Date.parse(`${date}T${time}Z`);
  return Number.isNaN(wall) ? wall : (instantsOf(offsets, wall)[0] ?? Number.NaN);
}
