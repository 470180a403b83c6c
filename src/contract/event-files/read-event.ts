import { type Field, fieldsOf, textOf, varintsOf, viewOf } from "./protobuf.ts";

/**
 * What an event file tells that is metrics or params. Events are protobuf messages of TensorFlow and TensorBoard (`event.proto`, `summary.proto`,
 * `tensor.proto`, `plugin_data.proto` of hparams):
 *
 *     Event        1 wall_time double (s)   2 step int64   5 summary
 *     Summary      1 value, repeated: 1 tag   2 simple_value float   8 tensor   9 metadata
 *     metadata     1 plugin_data: 1 plugin_name   2 content        4 data_class (1: scalar)
 *     tensor       1 dtype   2 shape   4 content   5.. values by type
 *
 * Pictures, histograms, audio, text and graphs stay in the file.
 */
export interface EventContent {
  readonly scalars: readonly Scalar[];
  /** Of the hparams plugin; numbers as short as they can be, booleans as Python writes them. */
  readonly params: readonly (readonly [string, string])[];
}

export interface Scalar {
  readonly tag: string;
  readonly value: number;
  readonly step: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Which plugin a tag is of, where a file says so at the tag's first value only. */
export type Plugins = Map<string, string>;

/** Reads one event. Throws RangeError where the bytes are not one. */
export function readEvent(data: Uint8Array, plugins: Plugins): EventContent {
  let seconds = 0;
  let step = 0;
  const scalars: Scalar[] = [];
  const params: (readonly [string, string])[] = [];
  const summaries: Uint8Array[] = [];
  for (const field of fieldsOf(data)) {
    if (field.number === 1) seconds = viewOf(field.bytes).getFloat64(0, true);
    else if (field.number === 2) step = Number(BigInt.asIntN(64, field.varint));
    else if (field.number === 5) summaries.push(field.bytes);
  }
  const timestamp = Number.isFinite(seconds) ? Math.max(0, Math.round(seconds * 1000)) : 0;
  for (const summary of summaries) {
    for (const field of fieldsOf(summary)) {
      if (field.number !== 1) continue;
      const entry = entryOf(field.bytes, plugins);
      if (entry.hparams !== undefined) params.push(...paramsOf(entry.hparams));
      else if (entry.value !== undefined) scalars.push({ tag: entry.tag, value: entry.value, step, timestamp });
    }
  }
  return { scalars, params };
}

interface Entry {
  readonly tag: string;
  readonly value?: number | undefined;
  readonly hparams?: Uint8Array | undefined;
}

const SESSION_START_TAG = "_hparams_/session_start_info";

function entryOf(message: Uint8Array, plugins: Plugins): Entry {
  let tag = "";
  let simple: number | undefined;
  let tensor: Uint8Array | undefined;
  let plugin: { readonly name: string; readonly content: Uint8Array } | undefined;
  for (const field of fieldsOf(message)) {
    if (field.number === 1) tag = textOf(field.bytes);
    else if (field.number === 2) simple = viewOf(field.bytes).getFloat32(0, true);
    else if (field.number === 8) tensor = field.bytes;
    else if (field.number === 9) plugin = pluginOf(field.bytes);
  }
  if (plugin !== undefined && plugin.name !== "" && !plugins.has(tag)) plugins.set(tag, plugin.name);
  const name = plugins.get(tag) ?? "scalars";
  if (name === "hparams") return { tag, hparams: tag === SESSION_START_TAG ? plugin?.content : undefined };
  if (name !== "scalars") return { tag };
  return { tag, value: simple ?? (tensor === undefined ? undefined : numberOf(tensor)) };
}

function pluginOf(metadata: Uint8Array) {
  let name = "";
  let content: Uint8Array = new Uint8Array(0);
  for (const field of fieldsOf(metadata)) {
    if (field.number !== 1) continue;
    for (const part of fieldsOf(field.bytes)) {
      if (part.number === 1) name = textOf(part.bytes);
      else if (part.number === 2) content = part.bytes;
    }
  }
  return { name, content };
}

interface NumberType {
  readonly size: number;
  /** In `tensor_content`. */
  read(view: DataView): number;
  /** Field of the tensor that else holds the value. */
  readonly field: number;
  of(field: Field): number | undefined;
}

const whole = (field: Field) => Number(varintsOf(field)[0] ?? 0n);
const signed = (field: Field) => Number(BigInt.asIntN(64, varintsOf(field)[0] ?? 0n));
const short = (bits: number): DataView => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits, true);
  view.setUint16(2, bits, true);
  return view;
};
const bfloat = (view: DataView) => {
  const wide = new DataView(new ArrayBuffer(4));
  wide.setUint32(0, view.getUint16(0, true) * 0x10000);
  return wide.getFloat32(0);
};

/** By number of `DataType`. */
const TYPES: Readonly<Record<number, NumberType>> = {
  1: { size: 4, read: (v) => v.getFloat32(0, true), field: 5, of: (f) => fixed(f, 4)?.getFloat32(0, true) },
  2: { size: 8, read: (v) => v.getFloat64(0, true), field: 6, of: (f) => fixed(f, 8)?.getFloat64(0, true) },
  3: { size: 4, read: (v) => v.getInt32(0, true), field: 7, of: signed },
  4: { size: 1, read: (v) => v.getUint8(0), field: 7, of: whole },
  5: { size: 2, read: (v) => v.getInt16(0, true), field: 7, of: signed },
  6: { size: 1, read: (v) => v.getInt8(0), field: 7, of: signed },
  9: { size: 8, read: (v) => Number(v.getBigInt64(0, true)), field: 10, of: signed },
  10: { size: 1, read: (v) => v.getUint8(0), field: 11, of: whole },
  14: { size: 2, read: bfloat, field: 13, of: (f) => bfloat(short(whole(f))) },
  17: { size: 2, read: (v) => v.getUint16(0, true), field: 7, of: whole },
  19: { size: 2, read: (v) => v.getFloat16(0, true), field: 13, of: (f) => short(whole(f)).getFloat16(0, true) },
  22: { size: 4, read: (v) => v.getUint32(0, true), field: 16, of: whole },
  23: { size: 8, read: (v) => Number(v.getBigUint64(0, true)), field: 17, of: whole },
};

function fixed(field: Field, size: number): DataView | undefined {
  return field.bytes.length >= size ? viewOf(field.bytes) : undefined;
}

/** The number of a tensor that holds one; 0 where it leaves it out, as protobuf does. */
function numberOf(tensor: Uint8Array): number | undefined {
  const fields = [...fieldsOf(tensor)];
  const type = TYPES[Number(fields.find((field) => field.number === 1)?.varint ?? 0n)];
  if (type === undefined || elements(fields.find((field) => field.number === 2)?.bytes) !== 1n) return undefined;
  const content = fields.find((field) => field.number === 4)?.bytes;
  if (content !== undefined && content.length > 0)
    return content.length === type.size ? type.read(viewOf(content)) : undefined;
  const value = fields.find((field) => field.number === type.field);
  return value === undefined ? 0 : type.of(value);
}

function elements(shape: Uint8Array = new Uint8Array(0)): bigint {
  let count = 1n;
  for (const field of fieldsOf(shape)) {
    if (field.number !== 2) continue;
    const size = [...fieldsOf(field.bytes)].find((part) => part.number === 1)?.varint ?? 0n;
    count *= size;
  }
  return count;
}

/** HParamsPluginData: 3 session_start_info: 1 hparams, a map of texts to google.protobuf.Value. */
function* paramsOf(content: Uint8Array): Generator<readonly [string, string]> {
  for (const info of fieldsOf(content)) {
    if (info.number !== 3) continue;
    for (const param of fieldsOf(info.bytes)) {
      if (param.number !== 1) continue;
      let key = "";
      let value: string | undefined;
      for (const part of fieldsOf(param.bytes)) {
        if (part.number === 1) key = textOf(part.bytes);
        else if (part.number === 2) value = hparamText(part.bytes);
      }
      if (key !== "" && value !== undefined) yield [key, value];
    }
  }
}

function hparamText(message: Uint8Array): string | undefined {
  for (const field of fieldsOf(message)) {
    if (field.number === 2) return String(viewOf(field.bytes).getFloat64(0, true));
    if (field.number === 3) return textOf(field.bytes);
    if (field.number === 4) return field.varint === 0n ? "False" : "True";
  }
  return undefined;
}
