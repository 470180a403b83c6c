const START_BYTES = 64;
const START_TEXTS = 8;
const START_SLOTS = 16;
const MANY_READS = 500;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
let scratch = new Uint8Array(1024);

/** Writes the text to `scratch` as UTF-8; its length in bytes. */
function encode(text: string): number {
  if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 6);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 128) return encoder.encodeInto(text, scratch).written;
    scratch[i] = unit;
  }
  return text.length;
}

/**
 * Texts, each once, numbered from 1; 0 is no text. They lie as UTF-8 one after the other: each costs its bytes and 10 to 16 more, a fifth of what
 * strings in a Map do.
 */
export class TextPool {
  /** How many there are, and so the largest number. */
  size: number;
  private bytes: Uint8Array;
  /** Where each text ends. */
  private ends: Uint32Array;
  /** Numbers by hash, open addressing; made when first needed, for most pools of a snapshot are only read. */
  private slots: Uint32Array | undefined;

  constructor(stored?: { readonly bytes: Uint8Array; readonly ends: Uint32Array }) {
    this.bytes = stored?.bytes ?? new Uint8Array(START_BYTES);
    this.ends = stored?.ends ?? new Uint32Array(START_TEXTS);
    this.size = stored === undefined ? 0 : stored.ends.length - 1;
  }

  /** The text's number; a new one if need be. */
  add(text: string): number {
    const length = encode(text);
    let slots = this.slots ?? this.index();
    const known = slots[this.slotOf(slots, length)] ?? 0;
    if (known > 0) return known;
    if ((this.size + 1) * 4 > slots.length * 3) slots = this.index();
    const start = this.ends[this.size] ?? 0;
    const code = ++this.size;
    this.bytes = withRoom(this.bytes, start + length);
    this.ends = withRoom(this.ends, code + 1);
    for (let i = 0; i < length; i++) this.bytes[start + i] = scratch[i] ?? 0;
    this.ends[code] = start + length;
    slots[this.slotOf(slots, length)] = code;
    return code;
  }

  /** The text's number, 0 if it is not here. */
  find(text: string): number {
    const slots = this.slots ?? this.index();
    return slots[this.slotOf(slots, encode(text))] ?? 0;
  }

  text(code: number): string {
    return decoder.decode(this.bytes.subarray(this.ends[code - 1] ?? 0, this.ends[code] ?? 0));
  }

  /** For many texts of a pool that does not change meanwhile: cut from one string of them all where bytes are characters. */
  reader(): (code: number) => string {
    let reads = 0;
    let all: string | undefined;
    return (code) => {
      if (all !== undefined) return all.slice(this.ends[code - 1] ?? 0, this.ends[code] ?? 0);
      if (++reads === MANY_READS) {
        const { bytes } = this.stored();
        const text = decoder.decode(bytes);
        if (text.length === bytes.length) all = text;
      }
      return this.text(code);
    };
  }

  /** A number that orders texts by their first three UTF-16 units; where it is equal, the texts decide. */
  prefix(code: number): number {
    const start = this.ends[code - 1] ?? 0;
    const length = (this.ends[code] ?? 0) - start;
    let prefix = 0;
    for (let i = 0; i < 3; i++) {
      const byte = i < length ? (this.bytes[start + i] ?? 0) : 0;
      if (byte >= 128) return prefixOf(this.text(code));
      prefix = prefix * 65_536 + byte;
    }
    return prefix;
  }

  /** What makes the same pool again. */
  stored(): { readonly bytes: Uint8Array; readonly ends: Uint32Array } {
    return { bytes: this.bytes.subarray(0, this.ends[this.size] ?? 0), ends: this.ends.subarray(0, this.size + 1) };
  }

  get sizeBytes(): number {
    return this.bytes.byteLength + this.ends.byteLength + (this.slots?.byteLength ?? 0);
  }

  /** Where the text in `scratch` is, or belongs. */
  private slotOf(slots: Uint32Array, length: number): number {
    const mask = slots.length - 1;
    for (let slot = hash(scratch, 0, length) & mask; ; slot = (slot + 1) & mask) {
      const code = slots[slot] ?? 0;
      if (code === 0 || this.isScratch(code, length)) return slot;
    }
  }

  private isScratch(code: number, length: number): boolean {
    const start = this.ends[code - 1] ?? 0;
    if ((this.ends[code] ?? 0) - start !== length) return false;
    for (let i = 0; i < length; i++) if (this.bytes[start + i] !== scratch[i]) return false;
    return true;
  }

  private index(): Uint32Array {
    let room = START_SLOTS;
    while (room * 2 < (this.size + 1) * 3) room *= 2;
    const slots = new Uint32Array(room);
    const mask = room - 1;
    for (let code = 1; code <= this.size; code++) {
      let slot = hash(this.bytes, this.ends[code - 1] ?? 0, this.ends[code] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = code;
    }
    this.slots = slots;
    return slots;
  }
}

export function prefixOf(text: string): number {
  let prefix = 0;
  for (let i = 0; i < 3; i++) prefix = prefix * 65_536 + (i < text.length ? text.charCodeAt(i) : 0);
  return prefix;
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ (bytes[i] ?? 0), 0x01000193);
  // The lower bits choose the slot: the upper ones are to matter too.
  return (value ^ (value >>> 15)) >>> 0;
}

/** The array, or a larger copy of it: by a quarter, so that little of it lies empty. */
export function withRoom<A extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(array: A, length: number): A {
  if (length <= array.length) return array;
  const Kind = array.constructor as new (length: number) => A;
  const larger = new Kind(Math.max(length, 16, Math.ceil(array.length * 1.25)));
  larger.set(array);
  return larger;
}

/** 0, 1, 2 and so on. */
export function upTo(count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = i;
  return numbers;
}
