import { cleanKey, metricKey, type Owners } from "./metric-keys.ts";
import { type Plugins, readEvent } from "./read-event.ts";
import { makeRecordReader, type RecordProblem } from "./records.ts";

export interface EventPoint {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

/** Reads one event file as it comes in; what it answers is new since the last call. */
export interface EventFileReader {
  push(bytes: Uint8Array): {
    readonly points: readonly EventPoint[];
    readonly params: readonly (readonly [string, string])[];
  };
  /** Where a later reader may go on. */
  readonly consumed: number;
  readonly problems: readonly RecordProblem[];
}

/** `path`: as it is among the run's artifacts. `from`: what an earlier reader of the file consumed. */
export function makeEventFileReader(path: string, owners: Owners, from = 0): EventFileReader {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  const records = makeRecordReader(from);
  const plugins: Plugins = new Map();
  const broken: RecordProblem[] = [];
  return {
    push(bytes) {
      const points: EventPoint[] = [];
      const params: (readonly [string, string])[] = [];
      const offset = records.consumed;
      for (const data of records.push(bytes)) {
        try {
          const content = readEvent(data, plugins);
          for (const { tag, ...point } of content.scalars)
            points.push({ key: metricKey(folder, tag, owners), ...point });
          for (const [key, value] of content.params) params.push([cleanKey(key), value]);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          broken.push({ offset, message: `a record at or after this place is not an event: ${error.message}` });
        }
      }
      return { points, params };
    },
    get consumed() {
      return records.consumed;
    },
    get problems() {
      return [...records.problems, ...broken];
    },
  };
}
