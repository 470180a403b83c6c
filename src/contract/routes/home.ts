import * as z from "zod";
import { defineRoute } from "../route.ts";

const none = z.object({});
/** What a home says of itself. The MLflow twins of health and version live under `/w/{workspace}` and at the root. */
export const home = {
  health: defineRoute({
    id: "home.health",
    method: "GET",
    path: "/api/v1/health",
    access: "open",
    summary: "Ready to serve",
    tag: "home",
    params: none,
    query: none,
    body: undefined,
    answer: z.object({ status: z.literal("ok") }),
  }),
  version: defineRoute({
    id: "home.version",
    method: "GET",
    path: "/api/v1/version",
    access: "open",
    summary: "Versions of this home",
    tag: "home",
    params: none,
    query: none,
    body: undefined,
    answer: z.object({ version: z.string(), home: z.enum(["laptop", "aws"]), mlflow: z.string() }),
  }),
  openapi: defineRoute({
    id: "home.openapi",
    method: "GET",
    path: "/api/v1/openapi.json",
    access: "open",
    summary: "This document",
    tag: "home",
    params: none,
    query: none,
    body: undefined,
    answer: z.record(z.string(), z.unknown()),
  }),
};
