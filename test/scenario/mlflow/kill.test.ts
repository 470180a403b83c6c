import { expect, onTestFinished, test } from "vitest";
import { killTracking } from "../../helpers/kill-tracking.ts";
import { startServer } from "../../helpers/server.ts";

test("kill -9 while eight clients log loses nothing that was acknowledged, and makes nothing twice", async () => {
  const server = await startServer();
  onTestFinished(() => server.dispose());

  const report = await killTracking(server, 8, 4);

  expect(report.lost).toEqual([]);
  expect(report.doubled).toEqual([]);
  expect(report.retried).toBeGreaterThan(0);
  for (const count of Object.values(report.acknowledged)) expect(count).toBeGreaterThan(0);
}, 240_000);
