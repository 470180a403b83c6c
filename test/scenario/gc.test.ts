import { expect, test } from "vitest";
import { killGc } from "../helpers/kill-gc.ts";

test("kill -9 in the midst of gc, under writers and readers: what is reachable is whole, what is not is gone", async () => {
  const report = await killGc(2, 1);

  expect(report.missing).toEqual([]);
  expect(report.left).toEqual([]);
  expect(report.kills).toBe(4);
  expect(report.freedRuns).toBe(160);
  expect(report.keptRuns).toBeGreaterThan(0);
  expect(report.keptTrees).toBeGreaterThan(0);
  expect(report.freedBlobs).toBeGreaterThan(0);
}, 240_000);
