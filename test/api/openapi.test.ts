import { describe, expect, it } from "vitest";
import type { AnyRoute } from "../../src/contract/route.ts";
import * as routes from "../../src/contract/routes/index.ts";
import { openTestApi } from "../helpers/api.ts";

type Operation = {
  operationId: string;
  security?: object[];
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { $ref?: string; content?: object }>;
};
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>> };
}

const ALL = Object.values(routes).flatMap((room) => Object.values(room) as AnyRoute[]);

async function load(): Promise<Document> {
  const { ask } = await openTestApi();
  const { json } = await ask("GET", "/api/v1/openapi.json", { as: "nobody" });
  return json as Document;
}

describe("the OpenAPI document", () => {
  it("describes every route of the contract, with its errors, parameters and rights", async () => {
    const document = await load();

    for (const route of ALL) {
      const operation = document.paths[route.path]?.[route.method.toLowerCase()];
      const placeholders = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(operation?.operationId).toBe(route.id);
      expect(operation?.parameters.filter((one) => one.in === "path").map((one) => one.name)).toEqual(placeholders);
      expect(operation?.responses[String(route.status ?? 200)]?.content).toBeDefined();
      expect(operation?.responses.default?.$ref).toBe("#/components/responses/Problem");
      expect(operation?.security).toEqual({ open: [], iam: [{ iam: [] }] }[String(route.access)]);
      expect(operation?.requestBody === undefined).toBe(route.body === undefined);
    }
    expect(document.openapi).toBe("3.1.0");
  });

  it("refers only to what it defines", async () => {
    const document = await load();
    const text = JSON.stringify(document);

    const names = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1] ?? ""));

    expect([...names].filter((name) => !Object.hasOwn(document.components.schemas, name))).toEqual([]);
    expect(names.size).toBeGreaterThan(30);
    expect(text).not.toMatch(/\$defs|\\\\p\{/);
  });

  it("forbids unknown fields in what is sent, and gives names their pattern", async () => {
    const { components } = await load();

    expect(components.schemas.DataSpec).toMatchObject({ additionalProperties: false, required: ["path"] });
    expect(components.schemas.AssetName).toMatchObject({ type: "string", pattern: expect.stringContaining("{0,254}") });
  });
});
