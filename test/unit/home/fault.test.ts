import { expect, test } from "vitest";
import { makeApp } from "../../../src/api/app.ts";

test("a fault before any route is told of with the path alone: a query may hold a credential", async () => {
  const told: unknown[] = [];
  const app = makeApp({
    routes: [],
    authenticate: () => Promise.reject(new Error("disk gone")),
    requestId: () => "id",
    onFault: (_, about) => told.push(about),
  });

  await app(new Request("http://home.test/nowhere?token=hunter2"));

  expect(told).toEqual([{ requestId: "id", route: "http://home.test/nowhere" }]);
});
