/** One field of a message on the wire; `fixed` and `bytes` are read by who knows their type. */
export interface Field {
  readonly number: number;
  /** Wire type 0; as much as 64 bits. */
  readonly varint: bigint;
  /** Wire types 1, 2 and 5. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** Fields of a protobuf message in order. Throws RangeError where the bytes are none. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError("a number is cut off");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError("a number is too long");
  };
  const take = (length: number): Uint8Array => {
    if (length > message.length - at) throw new RangeError("a field is cut off");
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const head = Number(varint());
    const number = head >>> 3;
    const wire = head & 7;
    if (wire === 0) yield { number, varint: varint(), bytes: NOTHING };
    else if (wire === 1) yield { number, varint: 0n, bytes: take(8) };
    else if (wire === 2) yield { number, varint: 0n, bytes: take(Number(varint())) };
    else if (wire === 5) yield { number, varint: 0n, bytes: take(4) };
    else throw new RangeError(`there is no wire type ${wire}`);
  }
}

/** Numbers of a packed varint field, or the one of a field that is not packed. */
export function varintsOf(field: Field): bigint[] {
  if (field.bytes.length === 0) return [field.varint];
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of field.bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(BigInt.asUintN(64, value));
    value = 0n;
    shift = 0n;
  }
  return values;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Fields in wire form, joined: a message. */
export function messageOf(...fields: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

export function varintField(number: number, value: bigint): Uint8Array {
  return Uint8Array.from([...varint(BigInt(number << 3)), ...varint(BigInt.asUintN(64, value))]);
}

export function doubleField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = (number << 3) | 1;
  viewOf(bytes).setFloat64(1, value, true);
  return bytes;
}

export function floatField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = (number << 3) | 5;
  viewOf(bytes).setFloat32(1, value, true);
  return bytes;
}

/** A text, bytes or a message inside. */
export function bytesField(number: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  const head = [...varint(BigInt((number << 3) | 2)), ...varint(BigInt(bytes.length))];
  return messageOf(Uint8Array.from(head), bytes);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}
