import type { ScalarKind } from "./nodes.ts";

/*
 * YAML 1.1 as Azure's Python loader reads plain scalars: `off` is a boolean, `010` is octal, `1e-3` (no dot) is text.
 * Left out on purpose: base-60 numbers (`12:30` stays text) and dates (kept as written).
 */
const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const DECIMAL = /^[-+]?(?:0|[1-9][0-9_]*)$/;
const OCTAL = /^[-+]?0[0-7_]+$/;
const HEX = /^[-+]?0x[0-9a-fA-F_]+$/;
const BINARY = /^[-+]?0b[01_]+$/;
const FLOAT = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/;
const INFINITE = /^[-+]?\.(?:inf|Inf|INF)$/;
const NAN = /^\.(?:nan|NaN|NAN)$/;
const DATE = /^\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)?$/;

export interface ResolvedScalar {
  readonly kind: ScalarKind;
  readonly value: string | number | boolean | null;
}

export function resolvePlainScalar(text: string): ResolvedScalar {
  const first = text.charCodeAt(0);
  // Letters that no special form begins with: most scalars leave here.
  if (text.length > 30 || (first > 0x60 && first < 0x7b && !/^[nytof]/.test(text))) return { kind: "str", value: text };
  if (NULL.test(text)) return { kind: "null", value: null };
  if (TRUE.test(text)) return { kind: "bool", value: true };
  if (FALSE.test(text)) return { kind: "bool", value: false };
  if (DECIMAL.test(text)) return { kind: "int", value: Number(text.replaceAll("_", "")) };
  if (OCTAL.test(text)) return radix(text, 1, 8);
  if (HEX.test(text)) return radix(text, 2, 16);
  if (BINARY.test(text)) return radix(text, 2, 2);
  if (FLOAT.test(text)) return { kind: "float", value: Number(text.replaceAll("_", "")) };
  if (INFINITE.test(text)) return { kind: "float", value: text.startsWith("-") ? -Infinity : Infinity };
  if (NAN.test(text)) return { kind: "float", value: Number.NaN };
  if (DATE.test(text)) return { kind: "date", value: text };
  return { kind: "str", value: text };
}

function radix(text: string, prefix: number, base: number): ResolvedScalar {
  const negative = text.startsWith("-");
  const digits = text.replace(/^[-+]/, "").slice(prefix).replaceAll("_", "");
  const value = Number.parseInt(digits === "" ? "0" : digits, base);
  return { kind: "int", value: negative ? -value : value };
}
