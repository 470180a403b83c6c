import { home as routes } from "../contract/routes/home.ts";
import { MLFLOW_VERSION, TRAINYARD_VERSION } from "../contract/version.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

export function makeHomeRoutes(deps: { readonly home: "laptop" | "aws" }): RawRoute[] {
  const { id, method, path } = routes.openapi;
  return [
    implement(routes.health, () => ({ status: "ok" as const })),
    implement(routes.version, () => ({ version: TRAINYARD_VERSION, home: deps.home, mlflow: MLFLOW_VERSION })),
    {
      id,
      method,
      path,
      base: "root",
      access: "open",
      async handle() {
        // Made when somebody asks: most servers never are, and the document takes memory.
        const { openApiText } = await import("./openapi.ts");
        return new Response(openApiText(), {
          headers: { "content-type": "application/json", "cache-control": "no-cache" },
        });
      },
    },
  ];
}
