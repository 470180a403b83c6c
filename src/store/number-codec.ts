/**
 * Columns of numbers as few bytes, exactly. Whole numbers are kept as differences, runs of one difference once; others as decimals of a few digits,
 * as the 4-byte floats that most metrics are, or as they are.
 */

/** Differences of whole numbers within this are exact, also doubled. */
const WHOLE_LIMIT = 2 ** 51;
const SCALES = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
const MIN_RUN = 4;
/** Kinds of a column of values; those above are decimals of `kind - DECIMALS` digits. */
const FLOATS = 0;
const DECIMALS = 1;
/** The longest a number becomes: 8 bytes, a bit and its share of what tells the lengths. */
export const NUMBER_BYTES = 9;

type Column = Float64Array | Uint16Array;

/** What writers write to: arrays are dear beside the few numbers that most hold. */
let scratch = new Uint8Array(4096);
let scratchView = new DataView(scratch.buffer);

/** Only one at a time: a writer that is not done is overwritten by the next. */
export class Writer {
  private at = 0;

  /** A number from 0 to 2^53, 7 bits a byte. */
  whole(number: number): void {
    this.reserve(8);
    let rest = number;
    while (rest >= 0x80) {
      scratch[this.at++] = (rest % 0x80) | 0x80;
      rest = rest < 0x7fff_ffff ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    scratch[this.at++] = rest;
  }

  /** Whole numbers of any sign; those too large for differences as floats. */
  wholes(column: Column): void {
    if (!column.every(isWhole)) {
      this.whole(FLOATS);
      this.floats(column);
      return;
    }
    this.whole(DECIMALS);
    this.differences(column);
  }

  values(column: Float64Array): void {
    const digits = digitsOf(column);
    if (digits === undefined) {
      this.whole(FLOATS);
      this.floats(column);
      return;
    }
    this.whole(DECIMALS + digits);
    const scale = SCALES[digits] ?? 1;
    this.differences(digits === 0 ? column : column.map((value) => Math.round(value * scale)));
  }

  /** What has been written; the writer is done. */
  done(): Uint8Array<ArrayBuffer> {
    return scratch.slice(0, this.at);
  }

  /** Pieces: a run of one difference (length * 2 + 1, difference) or several (length * 2, each). */
  private differences(column: Column): void {
    const { length } = column;
    const differenceAt = (i: number): number => (column[i] ?? 0) - (i === 0 ? 0 : (column[i - 1] ?? 0));
    let literalFrom = 0;
    const literals = (to: number): void => {
      if (to === literalFrom) return;
      this.whole((to - literalFrom) * 2);
      for (let i = literalFrom; i < to; i++) this.whole(folded(differenceAt(i)));
    };
    for (let i = 0; i < length; ) {
      const difference = differenceAt(i);
      let end = i + 1;
      while (end < length && differenceAt(end) === difference) end++;
      if (end - i >= MIN_RUN) {
        literals(i);
        this.whole((end - i) * 2 + 1);
        this.whole(folded(difference));
        literalFrom = end;
      }
      i = end;
    }
    literals(length);
  }

  /** A bit for each, set where 4 bytes are exact; then those of 4 bytes, then those of 8. */
  private floats(column: Column): void {
    const { length } = column;
    this.reserve((length + 7) / 8 + length * 8);
    const bitsAt = this.at;
    this.at += (length + 7) >> 3;
    scratch.fill(0, bitsAt, this.at);
    const wide: number[] = [];
    for (let i = 0; i < length; i++) {
      const value = column[i] ?? 0;
      if (Object.is(Math.fround(value), value)) {
        scratch[bitsAt + (i >> 3)] = (scratch[bitsAt + (i >> 3)] ?? 0) | (1 << (i & 7));
        scratchView.setFloat32(this.at, value, true);
        this.at += 4;
      } else wide.push(value);
    }
    for (const value of wide) {
      scratchView.setFloat64(this.at, value, true);
      this.at += 8;
    }
  }

  private reserve(moreBytes: number): void {
    if (this.at + moreBytes <= scratch.length) return;
    const larger = new Uint8Array(Math.ceil((this.at + moreBytes) * 1.5));
    larger.set(scratch);
    scratch = larger;
    scratchView = new DataView(larger.buffer);
  }
}

export class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  whole(): number {
    let number = 0;
    let factor = 1;
    for (;;) {
      const byte = this.bytes[this.at++] ?? 0;
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) return number;
      factor *= 0x80;
    }
  }

  /** The next column, whatever kind it is of. */
  column(length: number): Float64Array {
    const kind = this.whole();
    const column = new Float64Array(length);
    if (kind === FLOATS) {
      this.floats(column);
      return column;
    }
    this.differences(column);
    const scale = SCALES[kind - DECIMALS] ?? 1;
    if (scale !== 1) for (let i = 0; i < length; i++) column[i] = (column[i] ?? 0) / scale;
    return column;
  }

  private differences(column: Float64Array): void {
    let last = 0;
    for (let i = 0; i < column.length; ) {
      const piece = this.whole();
      const end = Math.min(column.length, i + Math.floor(piece / 2));
      // A piece of nothing is in no column that was written.
      if (end === i) return;
      if (piece % 2 === 1) {
        const difference = unfolded(this.whole());
        while (i < end) {
          last += difference;
          column[i++] = last;
        }
      } else {
        while (i < end) {
          last += unfolded(this.whole());
          column[i++] = last;
        }
      }
    }
  }

  private floats(column: Float64Array): void {
    const { bytes, view } = this;
    const { length } = column;
    const bitsAt = this.at;
    let at = bitsAt + ((length + 7) >> 3);
    let narrow = 0;
    for (let i = 0; i < length; i++) {
      if ((((bytes[bitsAt + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 0) continue;
      column[i] = view.getFloat32(at, true);
      at += 4;
      narrow++;
    }
    for (let i = 0; narrow < length && i < length; i++) {
      if ((((bytes[bitsAt + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 1) continue;
      column[i] = view.getFloat64(at, true);
      at += 8;
    }
    this.at = at;
  }
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= WHOLE_LIMIT && !Object.is(value, -0);
}

/** Digits behind the point that all values have at most, where they are few. */
function digitsOf(column: Float64Array): number | undefined {
  let digits = 0;
  for (let i = 0; i < column.length; i++) {
    const value = column[i] ?? 0;
    while (digits < SCALES.length && !isDecimal(value, SCALES[digits] ?? 1)) digits++;
    if (digits === SCALES.length) return undefined;
  }
  // More digits than one value needs may be wrong for it: 1e6 times a number is rounded too.
  const scale = SCALES[digits] ?? 1;
  return column.every((value) => isDecimal(value, scale)) ? digits : undefined;
}

function isDecimal(value: number, scale: number): boolean {
  const scaled = Math.round(value * scale);
  return isWhole(scaled) && scaled / scale === value && !Object.is(value, -0);
}

/** Small numbers of either sign as small ones without: 0, -1, 1, -2 … */
function folded(number: number): number {
  return number < 0 ? -number * 2 - 1 : number * 2;
}

function unfolded(number: number): number {
  return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
}
