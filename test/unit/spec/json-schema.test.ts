import { describe, expect, it } from "vitest";
import { jsonSchemaOf } from "../../../src/spec/json-schema.ts";
import { KINDS, type Kind } from "../../../src/spec/kinds/table.ts";

/** All `$ref`s of a schema. */
function references(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [String(inner)] : references(inner)));
}

describe("jsonSchemaOf", () => {
  it.each(Object.keys(KINDS) as Kind[])("%s has no dangling reference", (kind) => {
    const schema = jsonSchemaOf(kind);
    const names = Object.keys((schema.$defs ?? {}) as object);

    expect(references(schema).filter((ref) => !names.includes(ref.replace("#/$defs/", "")))).toEqual([]);
    expect(JSON.stringify(schema).length).toBeLessThan(400_000);
  });

  it("says what a command job needs", () => {
    const schema = jsonSchemaOf("job.command") as {
      $defs: Record<string, { required: string[]; additionalProperties: boolean }>;
    };

    expect(schema.$defs.command_job).toMatchObject({
      required: ["command", "environment"],
      additionalProperties: false,
    });
  });
});
