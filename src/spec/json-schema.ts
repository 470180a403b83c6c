import { KINDS, type Kind } from "./kinds/table.ts";
import type { Field, ObjectType, Type } from "./schema.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * A kind's schema as JSON Schema 2020-12, for editors. It completes and underlines; it is looser than the checks here, which also know
 * about files, expressions and what fields say about each other. Objects that recur are written once, under `$defs`.
 */
export function jsonSchemaOf(kind: Kind): JsonSchema {
  const defs = new Map<ObjectType, { name: string; schema: JsonSchema }>();
  const body = convert(KINDS[kind].type, defs);
  const named = Object.fromEntries([...defs.values()].map(({ name, schema }) => [name, schema]));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: kind,
    ...body,
    ...(defs.size > 0 ? { $defs: named } : {}),
  };
}

/** `${{...}}` may stand for most values of a step, so every schema takes such a text. */
const BINDING: JsonSchema = { type: "string", pattern: "\\$\\{\\{.*\\}\\}" };

function convert(type: Type, defs: Map<ObjectType, { name: string; schema: JsonSchema }>): JsonSchema {
  switch (type.t) {
    case "any":
      return {};
    case "lazy":
      return convert(type.get(), defs);
    case "text":
      return {
        type: type.lenient ? ["string", "number", "boolean"] : "string",
        ...(type.pattern && !type.pattern.flags ? { pattern: type.pattern.source } : {}),
        ...(type.maxLength === undefined ? {} : { maxLength: type.maxLength }),
      };
    case "integer":
    case "number":
      return {
        anyOf: [
          {
            type: type.t,
            ...(type.min === undefined ? {} : { minimum: type.min }),
            ...(type.max === undefined ? {} : { maximum: type.max }),
          },
          { type: "string" },
        ],
      };
    case "boolean":
      return { anyOf: [{ type: "boolean" }, BINDING] };
    case "enum":
      return { anyOf: [{ enum: type.values }, BINDING] };
    case "scalar":
      return { type: ["string", "number", "boolean"] };
    case "list": {
      const items = convert(type.of, defs);
      const whole = { type: "array", items, ...(type.atLeast === undefined ? {} : { minItems: type.atLeast }) };
      return type.orOne ? { anyOf: [whole, items] } : whole;
    }
    case "map":
      return {
        type: "object",
        additionalProperties: convert(type.of, defs),
        ...(type.key && !type.key.flags ? { propertyNames: { pattern: type.key.source } } : {}),
      };
    case "object":
      return reference(type, defs);
    case "variant": {
      const words = [...Object.keys(type.cases), ...Object.keys(type.also ?? {})];
      const cases = Object.entries(type.cases).map(([word, inner]) => ({
        if: { properties: { [type.by]: { const: word } }, required: [type.by] },
        // biome-ignore lint/suspicious/noThenProperty: the keyword is JSON Schema's.
        then: convert(inner, defs),
      }));
      return {
        type: "object",
        properties: { [type.by]: { enum: words } },
        ...(type.absent === undefined ? { required: [type.by] } : {}),
        allOf: cases,
      };
    }
    case "shape": {
      const forms = [type.text, type.list, type.map].flatMap((form) => (form ? [convert(form, defs)] : []));
      return { anyOf: [...forms, ...(type.null ? [{ type: "null" }] : [])] };
    }
    case "ref":
    case "path":
      return { type: "string" };
    case "custom": {
      const like = type.like?.() ?? [];
      if (like.length === 0) return type.json;
      const schemas = like.map((inner) => convert(inner, defs));
      return schemas.length === 1 ? (schemas[0] ?? {}) : { anyOf: schemas };
    }
  }
}

function reference(type: ObjectType, defs: Map<ObjectType, { name: string; schema: JsonSchema }>): JsonSchema {
  const known = defs.get(type);
  if (known) return { $ref: `#/$defs/${known.name}` };
  const base = type.noun.replace(/^(?:an?|the) /, "").replace(/[^A-Za-z0-9]+/g, "_");
  const taken = new Set([...defs.values()].map(({ name }) => name));
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}_${i}`;
  // Entered before its fields are converted: objects may hold themselves.
  const entry = { name, schema: {} as JsonSchema };
  defs.set(type, entry);
  const fields = Object.entries(type.fields);
  entry.schema = {
    type: "object",
    properties: {
      $schema: { type: "string" },
      ...Object.fromEntries(fields.map(([key, field]) => [key, fieldSchema(field, defs)])),
    },
    ...(type.loose ? {} : { additionalProperties: false }),
    required: fields.flatMap(([key, field]) => (field.required ? [key] : [])),
  };
  return { $ref: `#/$defs/${name}` };
}

function fieldSchema(field: Field, defs: Map<ObjectType, { name: string; schema: JsonSchema }>): JsonSchema {
  const about = {
    ...(field.doc === undefined ? {} : { description: field.doc }),
    ...(field.readOnly ? { readOnly: true } : {}),
    ...(field.default === undefined ? {} : { default: field.default }),
  };
  return { ...convert(field.type, defs), ...about };
}
