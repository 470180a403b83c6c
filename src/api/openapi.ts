import * as z from "zod";
import { Problem } from "../contract/problem.ts";
import type { AnyRoute } from "../contract/route.ts";
import * as routes from "../contract/routes/index.ts";
import { TRAINYARD_VERSION } from "../contract/version.ts";
import { DEFAULT_WORKSPACE } from "../contract/workspaces.ts";
import { NAMED_SCHEMAS } from "./openapi-names.ts";

type Json = { [key: string]: unknown };

const PROBLEM_TYPE = "application/problem+json";
const BYTES_TYPE = "application/octet-stream";
/** Answers in bytes that are something more definite. */
const BYTES_ANSWERS: Readonly<Record<string, string>> = { "trees.zip": "application/zip" };
/** Places outside of the home answer when they like, or not at all. */
const REACHES_OUT = /^(files|data|datastores|environments|jobs|models)\./;

/** The OpenAPI 3.1 document of the whole route table. */
export function makeOpenApi(): Json {
  const schemas = new Map<string, unknown>();
  const toSchema = makeConverter(schemas);
  const paths: Record<string, Json> = {};
  for (const route of allRoutes()) {
    paths[route.path] ??= {};
    Object.assign(paths[route.path] ?? {}, { [route.method.toLowerCase()]: operationOf(route, toSchema) });
  }
  toSchema(Problem);
  return {
    openapi: "3.1.0",
    info: {
      title: "Trainyard",
      version: TRAINYARD_VERSION,
      description:
        "Jobs, runs, assets, models and endpoints of a workspace. The MLflow tracking API is served at `/w/{workspace}`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { basic: [] }],
    tags: [...new Set(allRoutes().map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: {
        Problem: {
          description: "What failed, on which id, and what to do",
          content: { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        basic: { type: "http", scheme: "basic", description: "The token as password, any user name" },
        iam: { type: "http", scheme: "AWS4-HMAC-SHA256", description: "AWS Signature Version 4, service execute-api" },
      },
    },
  };
}

function allRoutes(): readonly AnyRoute[] {
  return Object.values(routes).flatMap((room) => Object.values(room) as AnyRoute[]);
}

type ToSchema = (schema: z.ZodType) => unknown;

function makeConverter(components: Map<string, unknown>): ToSchema {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED_SCHEMAS)) registry.add(schema, { id });
  return (schema) => {
    const {
      $defs,
      $schema: _,
      ...own
    } = z.toJSONSchema(schema, {
      io: "input",
      metadata: registry,
      unrepresentable: "any",
    }) as Json & { readonly $defs?: Json };
    for (const [id, definition] of Object.entries($defs ?? {})) components.set(id, portable(definition));
    const id = registry.get(schema)?.id;
    // A named schema that others refer to comes as a reference to itself already.
    if (id === undefined || "$ref" in own) return portable(own);
    components.set(id, portable(own));
    return { $ref: `#/components/schemas/${id}` };
  };
}

/** Definitions move to the components, and patterns use only what every regular expression engine knows. */
function portable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(portable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      if (key === "id" && typeof member === "string") return [];
      if (key === "$ref" && typeof member === "string")
        return [[key, member.replace("#/$defs/", "#/components/schemas/")]];
      if (key === "pattern" && typeof member === "string") {
        return [[key, member.replaceAll("\\p{Cc}", "\\u0000-\\u001f\\u007f-\\u009f")]];
      }
      return [[key, portable(member)]];
    }),
  );
}

function operationOf(route: AnyRoute, toSchema: ToSchema): Json {
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.tag],
    ...(typeof route.access === "string" ? { security: route.access === "iam" ? [{ iam: [] }] : [] } : {}),
    parameters: [
      ...parametersOf(route.params, "path", toSchema),
      ...parametersOf(route.query, "query", toSchema),
      ...conditionParameters(route),
    ],
    ...(route.body === undefined ? {} : { requestBody: requestBodyOf(route, toSchema) }),
    responses: responsesOf(route, toSchema),
  };
}

function parametersOf(schema: z.ZodObject, where: "path" | "query", toSchema: ToSchema): Json[] {
  return Object.entries(schema.shape).map(([name, member]) => ({
    name,
    in: where,
    required: where === "path" || !(member as z.ZodType).safeParse(undefined).success,
    schema: toSchema(member as z.ZodType),
    ...(name === "workspace" ? { example: DEFAULT_WORKSPACE } : {}),
  }));
}

/** Records that carry an ETag: workspaces, datastores, computes, jobs and asset versions. */
const TAGGED =
  /^(?:(?:workspaces|datastores|computes|data|environments|components)\.(?:get|put|update|delete|create)|jobs\.(?:get|update))$/;

function conditionParameters(route: AnyRoute): Json[] {
  if (!TAGGED.test(route.id) || !["PUT", "PATCH", "DELETE"].includes(route.method)) return [];
  return [
    {
      name: "If-Match",
      in: "header",
      required: false,
      description: "ETag that the record must still have, or `*`",
      schema: { type: "string", pattern: '^(\\*|"[!#-~]+")$' },
    },
  ];
}

function requestBodyOf(route: AnyRoute, toSchema: ToSchema): Json {
  const content =
    route.body === "bytes" || route.body === undefined
      ? { [BYTES_TYPE]: { schema: {} } }
      : { "application/json": { schema: toSchema(route.body) } };
  return { required: route.body !== "bytes", content };
}

function responsesOf(route: AnyRoute, toSchema: ToSchema): Json {
  const responses: Record<string, unknown> = {};
  const headers = TAGGED.test(route.id) && route.method !== "DELETE" ? { headers: ETAG_HEADER } : {};
  if (route.answer === "bytes") {
    const content = { [BYTES_ANSWERS[route.id] ?? BYTES_TYPE]: { schema: {} } };
    responses["200"] = { description: "The bytes", content };
    if (route.id === "files.read") responses["206"] = { description: "The part that `Range` asks for", content };
  } else {
    const content = { "application/json": { schema: toSchema(route.answer) } };
    responses[String(route.status ?? 200)] = { description: "Done", content, ...headers };
    if (route.status === 201) responses["200"] = { description: "It was there already", content, ...headers };
  }
  for (const status of errorStatuses(route)) responses[String(status)] = { $ref: "#/components/responses/Problem" };
  responses.default = { $ref: "#/components/responses/Problem" };
  return responses;
}

const ETAG_HEADER = { ETag: { required: false, schema: { type: "string" } } };

function errorStatuses(route: AnyRoute): readonly number[] {
  const statuses = [400];
  if (route.access !== "open") statuses.push(401, 403, 404);
  if (route.method !== "GET") statuses.push(409, 507);
  if (TAGGED.test(route.id) && route.method !== "GET") statuses.push(412);
  if (route.body !== undefined) statuses.push(413);
  if (route.body !== undefined && route.body !== "bytes") statuses.push(415);
  if (route.answer === "bytes") statuses.push(416);
  if (REACHES_OUT.test(route.id)) statuses.push(422);
  return [...statuses, 503];
}

let made: string | undefined;

/** The document as text, made once. */
export function openApiText(): string {
  made ??= JSON.stringify(makeOpenApi());
  return made;
}
