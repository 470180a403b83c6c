import { wholeBinding } from "../contract/expressions.ts";
import { checkPath, checkRef } from "./check-ref.ts";
import { join, lastName, missingField, wrong } from "./complain.ts";
import { child, type MapNode, nounOf, placeAt, type SpecNode, shorten, toPlain } from "./nodes.ts";
import { hasPlaceholder } from "./refs.ts";
import type {
  CheckContext,
  EnumType,
  Field,
  ListType,
  MapType,
  NumberType,
  ObjectType,
  ShapeType,
  TextType,
  Type,
  VariantType,
} from "./schema.ts";
import { listed, nearest } from "./suggest.ts";

/**
 * Holds a value against a type, reports what is wrong and answers the value as data: numbers as numbers, enums in their one spelling,
 * absent fields absent. What was wrong is left out of the answer.
 */
export function check(type: Type, node: SpecNode, path: string, ctx: CheckContext): unknown {
  if (ctx.bindings && node.form === "scalar" && node.kind === "str" && wholeBinding(node.text)) return node.text.trim();
  switch (type.t) {
    case "any":
      return toPlain(node);
    case "lazy":
      return check(type.get(), node, path, ctx);
    case "text":
      return checkText(type, node, path, ctx);
    case "integer":
    case "number":
      return checkNumber(type, node, path, ctx);
    case "boolean":
      return checkBoolean(node, path, ctx);
    case "enum":
      return checkEnum(type, node, path, ctx);
    case "scalar":
      return node.form === "scalar" && node.kind !== "null"
        ? node.value
        : wrong(node, path, ctx, "text, a number or a boolean");
    case "list":
      return checkList(type, node, path, ctx);
    case "map":
      return checkMap(type, node, path, ctx);
    case "object":
      return checkObject(type, node, path, ctx);
    case "variant":
      return checkVariant(type, node, path, ctx);
    case "shape":
      return checkShape(type, node, path, ctx);
    case "ref":
      return checkRef(type, node, path, ctx);
    case "path":
      return checkPath(type, node, path, ctx);
    case "custom":
      return type.check(node, path, ctx);
  }
}

function checkText(type: TextType, node: SpecNode, path: string, ctx: CheckContext): string | undefined {
  if (node.form !== "scalar" || node.kind === "null") {
    if (type.empty && node.form === "scalar") return "";
    return wrong(node, path, ctx, "text");
  }
  if (node.kind !== "str" && node.kind !== "date" && !type.lenient) {
    return wrong(node, path, ctx, "text", `put it in quotes: \`"${shorten(node.text)}"\``);
  }
  if (node.text === "" && !type.empty) return wrong(node, path, ctx, "text that is not empty");
  if (type.maxLength !== undefined && node.text.length > type.maxLength) {
    return wrong(node, path, ctx, `at most ${type.maxLength} characters`);
  }
  if (type.pattern && (type.strict || !hasPlaceholder(node.text)) && !type.pattern.test(node.text)) {
    const says = type.says === undefined ? "" : ` (${type.says})`;
    ctx.findings.error(
      node,
      path,
      `\`${lastName(path)}\` is \`${shorten(node.text)}\` but must match \`${type.pattern.source}\`${says}`,
    );
    return undefined;
  }
  return node.text;
}

const NUMERIC = /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

function checkNumber(type: NumberType, node: SpecNode, path: string, ctx: CheckContext): number | undefined {
  const noun = type.t === "integer" ? "a whole number" : "a number";
  if (node.form !== "scalar") return wrong(node, path, ctx, noun);
  let value: number | undefined;
  if ((node.kind === "int" || node.kind === "float") && typeof node.value === "number") value = node.value;
  else if (node.kind === "str" && NUMERIC.test(node.text)) value = Number(node.text.replaceAll("_", ""));
  if (value === undefined || (type.t === "integer" && !Number.isInteger(value))) return wrong(node, path, ctx, noun);
  if (type.min !== undefined && value < type.min) return wrong(node, path, ctx, `at least ${type.min}`);
  if (type.max !== undefined && value > type.max) return wrong(node, path, ctx, `at most ${type.max}`);
  return value;
}

function checkBoolean(node: SpecNode, path: string, ctx: CheckContext): boolean | undefined {
  if (node.form === "scalar") {
    if (typeof node.value === "boolean") return node.value;
    if (/^(?:true|t|yes|y|on|1)$/i.test(node.text)) return true;
    if (/^(?:false|f|no|n|off|0)$/i.test(node.text)) return false;
  }
  return wrong(node, path, ctx, "`true` or `false`");
}

function checkEnum(type: EnumType, node: SpecNode, path: string, ctx: CheckContext): string | undefined {
  const allowed = `one of ${listed(type.values, 30)}`;
  if (node.form !== "scalar") return wrong(node, path, ctx, allowed);
  const written = type.camel ? node.text.replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "_") : node.text;
  const lower = written.toLowerCase();
  // By text, not by value: `off` and `none` are words here.
  const found = type.values.find((value) => value.toLowerCase() === lower) ?? type.also?.[lower];
  if (found !== undefined) return found;
  const near = nearest(node.text, type.values);
  return wrong(node, path, ctx, allowed, near === undefined ? undefined : `did you mean \`${near}\`?`);
}

function checkList(type: ListType, node: SpecNode, path: string, ctx: CheckContext): unknown[] | undefined {
  if (node.form !== "list") {
    if (type.orOne) return [check(type.of, node, path, ctx)];
    return wrong(node, path, ctx, "a list");
  }
  if (type.atLeast !== undefined && node.items.length < type.atLeast)
    return wrong(node, path, ctx, `a list of at least ${type.atLeast}`);
  return node.items.map((item, i) => check(type.of, item, `${path}[${i}]`, ctx));
}

function checkMap(type: MapType, node: SpecNode, path: string, ctx: CheckContext): Record<string, unknown> | undefined {
  if (node.form !== "map") return wrong(node, path, ctx, "a map");
  if (type.atLeast !== undefined && node.entries.size < type.atLeast) {
    return wrong(node, path, ctx, `a map of at least ${type.atLeast} ${type.keyNoun ?? "key"}`);
  }
  const made: Record<string, unknown> = {};
  for (const [key, entry] of node.entries) {
    const inner = join(path, key);
    if (type.key && !type.key.test(key)) {
      const says = type.keySays === undefined ? "" : ` (${type.keySays})`;
      ctx.findings.error(
        placeAt(entry.src, entry.keyStart),
        inner,
        `${type.keyNoun ?? "key"} \`${shorten(key)}\` must match \`${type.key.source}\`${says}`,
      );
      continue;
    }
    define(made, key, check(type.of, entry.node, inner, ctx));
  }
  return made;
}

/** Sets an own property whatever its name, `__proto__` too; undefined is left out. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (value !== undefined)
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function checkObject(
  type: ObjectType,
  node: SpecNode,
  path: string,
  ctx: CheckContext,
): Record<string, unknown> | undefined {
  if (node.form !== "map") return wrong(node, path, ctx, path === "" ? `${type.noun}: a map` : "a map");
  const before = ctx.findings.errors.length;
  const made: Record<string, unknown> = {};
  // Fields whose misspelling has been reported: saying that they are missing would be the same cause again.
  const misspelt = new Set<string>();
  for (const [key, entry] of node.entries) {
    const inner = join(path, key);
    const known = Object.hasOwn(type.fields, key) ? type.fields[key] : undefined;
    if (!known) {
      if (key !== "$schema") misspelt.add(unknownField(type, key, inner, node, ctx) ?? "");
      if (type.loose) define(made, key, toPlain(entry.node));
      continue;
    }
    if (known.readOnly || (isEmpty(entry.node) && !acceptsNull(known.type))) continue;
    if (known.warning !== undefined) ctx.findings.warn(placeAt(entry.src, entry.keyStart), inner, known.warning);
    define(made, key, check(known.type, entry.node, inner, ctx));
  }
  for (const [name, known] of Object.entries(type.fields)) {
    if (known.required && !misspelt.has(name) && missing(node, name, known))
      missingField(name, join(path, name), node, ctx);
  }
  for (const names of type.oneOf ?? []) {
    if (names.every((name) => !misspelt.has(name) && missing(node, name, type.fields[name]))) {
      ctx.findings.error(
        node,
        join(path, names[0] ?? ""),
        `${type.noun} needs ${names.map((name) => `\`${name}\``).join(" or ")}`,
      );
    }
  }
  for (const names of type.notTogether ?? []) {
    const given = names.filter((name) => !missing(node, name, type.fields[name]));
    const second = given[1] === undefined ? undefined : child(node, given[1]);
    if (second)
      ctx.findings.error(
        second,
        join(path, given[1] ?? ""),
        `${given.map((name) => `\`${name}\``).join(" and ")} exclude each other`,
        "keep one of them",
      );
  }
  if (type.check && ctx.findings.errors.length === before) type.check(node, path, ctx);
  return made;
}

function missing(node: MapNode, name: string, known: Field | undefined): boolean {
  const given = child(node, name);
  return given === undefined || (isEmpty(given) && !(known && acceptsNull(known.type)));
}

const isEmpty = (node: SpecNode) => node.form === "scalar" && node.kind === "null";

function acceptsNull(type: Type): boolean {
  if (type.t === "lazy") return acceptsNull(type.get());
  return (
    type.t === "any" ||
    (type.t === "shape" && type.null !== undefined) ||
    (type.t === "enum" && type.values.includes("null"))
  );
}

/** Answers the field that was probably meant. */
function unknownField(
  type: ObjectType,
  key: string,
  path: string,
  node: MapNode,
  ctx: CheckContext,
): string | undefined {
  const names = Object.keys(type.fields).filter((name) => name !== "$schema");
  const near =
    nearest(
      key,
      names.filter((name) => !node.entries.has(name)),
    ) ?? nearest(key, names);
  const entry = node.entries.get(key);
  const at = entry ? placeAt(entry.src, entry.keyStart) : node;
  const message =
    near === undefined
      ? `unknown field \`${shorten(key)}\` in ${type.noun}`
      : `unknown field \`${shorten(key)}\` in ${type.noun}, did you mean \`${near}\`?`;
  const hint = near === undefined ? `fields are ${listed(names, 40)}` : `write \`${near}\``;
  if (type.loose) ctx.findings.warn(at, path, message, hint);
  else ctx.findings.error(at, path, message, hint);
  return near;
}

/** The case a variant is of; undefined when its field is missing or has an unknown value. Reports nothing. */
export function caseOf(type: VariantType, node: SpecNode): string | undefined {
  const given = child(node, type.by);
  if (given === undefined || isEmpty(given)) return typeof type.absent === "function" ? type.absent(node) : type.absent;
  if (given.form !== "scalar") return undefined;
  const lower = given.text.toLowerCase();
  return Object.keys(type.cases).find((name) => name.toLowerCase() === lower) ?? type.also?.[lower];
}

function checkVariant(type: VariantType, node: SpecNode, path: string, ctx: CheckContext): unknown {
  if (node.form !== "map") return wrong(node, path, ctx, path === "" ? `${type.noun}: a map` : "a map");
  const name = caseOf(type, node);
  const inner = join(path, type.by);
  const chosen = name === undefined ? undefined : type.cases[name];
  if (name === undefined || chosen === undefined) {
    const given = child(node, type.by);
    const known = Object.keys(type.cases);
    if (given === undefined || isEmpty(given))
      missingField(type.by, inner, node, ctx, `it is one of ${listed(known, 30)}`);
    else {
      const near =
        given.form === "scalar" ? nearest(given.text, [...known, ...Object.keys(type.also ?? {})]) : undefined;
      const hint = near === undefined ? undefined : `did you mean \`${near}\`?`;
      ctx.findings.error(
        given,
        inner,
        `${type.noun} has the unknown \`${type.by}\` ${nounOf(given)}; it is one of ${listed(known, 30)}`,
        hint,
      );
    }
    return undefined;
  }
  const made = check(chosen, node, path, ctx);
  if (typeof made === "object" && made !== null && child(node, type.by) !== undefined)
    define(made as Record<string, unknown>, type.by, name);
  return made;
}

function checkShape(type: ShapeType, node: SpecNode, path: string, ctx: CheckContext): unknown {
  const form = node.form === "scalar" ? (node.kind === "null" ? "null" : "text") : node.form;
  const chosen = type[form];
  if (chosen) return check(chosen, node, path, ctx);
  const forms = [type.text && "text", type.list && "a list", type.map && "a map"].filter(
    (word) => typeof word === "string",
  );
  return wrong(node, path, ctx, forms.join(" or "));
}
