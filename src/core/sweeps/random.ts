/**
 * A number between 0 and 1, both excluded, that belongs to a seed and two places: draws need no order, so a trial's parameters can be
 * made again from its index alone.
 */
export function uniformAt(seed: number, first: number, second: number): number {
  const high = bitsAt(seed, first, second, 0x9e3779b9);
  const low = bitsAt(seed, first, second, 0x7f4a7c15);
  return ((high >>> 5) * 0x4000000 + (low >>> 6) + 0.5) / 2 ** 53;
}

/** 32 bits that belong to a seed (any integer that is exact) and two places. */
export function bitsAt(seed: number, first: number, second: number, salt: number): number {
  let bits = mixed(salt ^ low32(seed));
  bits = mixed(bits ^ low32(Math.floor(seed / 2 ** 32)));
  bits = mixed(bits ^ Math.imul(first + 1, 0x85ebca6b));
  return mixed(bits ^ Math.imul(second + 1, 0xc2b2ae35)) >>> 0;
}

function low32(value: number): number {
  return (value % 2 ** 32) | 0;
}

/** Every bit of the input changes every bit of the output with a chance of a half. */
function mixed(value: number): number {
  let bits = value + 0x6d2b79f5;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return bits ^ (bits >>> 15);
}
