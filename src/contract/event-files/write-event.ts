import { bytesField, doubleField, floatField, messageOf, varintField } from "./protobuf.ts";
import { recordOf } from "./records.ts";

/** Records of an event file (read-event.ts tells the format), ready to be appended. `timestamp` in milliseconds since the epoch. */

/** The first record of every file. */
export function versionRecord(timestamp: number): Uint8Array {
  return recordOf(messageOf(doubleField(1, timestamp / 1000), bytesField(3, "brain.Event:2")));
}

/** A scalar, in the 32 bits that TensorBoard draws: its data server shows nothing of doubles. */
export function scalarRecord(tag: string, point: { value: number; step: number; timestamp: number }): Uint8Array {
  return eventRecord(point.timestamp, point.step, messageOf(bytesField(1, tag), floatField(2, point.value)));
}

/** A run's params, as TensorBoard's hparams plugin has them. `name`: which runs are one group of trials; the run's own. */
export function paramsRecord(params: ReadonlyMap<string, string>, name: string, timestamp: number): Uint8Array {
  const entries = Array.from(params, ([key, text]) => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    const value = Number.isFinite(number) ? doubleField(2, number) : bytesField(3, text);
    return bytesField(1, messageOf(bytesField(1, key), bytesField(2, value)));
  });
  const start = messageOf(...entries, bytesField(4, name), doubleField(5, timestamp / 1000));
  const content = messageOf(varintField(1, 0n), bytesField(3, start));
  const metadata = bytesField(1, messageOf(bytesField(1, "hparams"), bytesField(2, content)));
  return eventRecord(timestamp, 0, messageOf(bytesField(1, "_hparams_/session_start_info"), bytesField(9, metadata)));
}

function eventRecord(timestamp: number, step: number, value: Uint8Array): Uint8Array {
  return recordOf(
    messageOf(
      doubleField(1, timestamp / 1000),
      varintField(2, BigInt(Math.trunc(step))),
      bytesField(5, bytesField(1, value)),
    ),
  );
}
