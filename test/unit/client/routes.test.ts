import { describe, expect, it } from "vitest";
import * as light from "../../../src/client/routes.ts";
import type { RouteFacts } from "../../../src/client/types.ts";
import { routes } from "../../../src/contract/index.ts";
import type { AnyRoute } from "../../../src/contract/route.ts";

const groups = Object.entries(routes) as [keyof typeof routes, Record<string, AnyRoute>][];

describe("light routes", () => {
  it("know every group of the contract", () => {
    expect(Object.keys(light).sort()).toEqual(Object.keys(routes).sort());
  });

  it.each(groups)("%s: same method, path and kind of body as the contract", (name, group) => {
    const facts = Object.fromEntries(
      Object.entries(group).map(([key, route]) => [
        key,
        { method: route.method, path: route.path, bytesIn: route.body === "bytes", bytesOut: route.answer === "bytes" },
      ]),
    );

    const ours = Object.fromEntries(
      Object.entries(light[name] as Record<string, RouteFacts & { bytesIn?: true; bytesOut?: true }>).map(
        ([key, route]) => [
          key,
          {
            method: route.method,
            path: route.path,
            bytesIn: route.bytesIn === true,
            bytesOut: route.bytesOut === true,
          },
        ],
      ),
    );

    expect(ours).toEqual(facts);
  });
});
