import { expect, test } from "vitest";
import { RenderedRuns } from "../../../src/api/mlflow/rendered-runs.ts";

const LIMIT_BYTES = 24 * 1024 * 1024;
const textOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());

test("texts are kept as they are until there is no room, the oldest go first", () => {
  const rendered = new RenderedRuns();
  const text = (version: number) => `${version} ü\u{1f600} ${"x".repeat(version % 3000)}`;
  const count = 40_000;
  for (let version = 0; version < count; version++) {
    expect(textOf(rendered.add(version, text(version)))).toBe(text(version));
  }

  const kept = Array.from({ length: count }, (_, version) => version).filter((version) => rendered.get(version));
  const sizeBytes = kept.reduce((sum, version) => sum + (rendered.get(version)?.length ?? 0), 0);
  expect(sizeBytes).toBeLessThanOrEqual(LIMIT_BYTES);
  expect(sizeBytes).toBeGreaterThan(LIMIT_BYTES / 2);
  expect(kept).toEqual(Array.from(kept, (_, i) => count - kept.length + i));
  for (const version of kept)
    if (textOf(rendered.get(version)) !== text(version)) throw new Error(`${version} differs`);
});

test("a text that is too long is answered and not kept", () => {
  const rendered = new RenderedRuns();
  const text = "x".repeat(1024 * 1024);

  expect(textOf(rendered.add(1, text))).toBe(text);
  expect(rendered.get(1)).toBeUndefined();
});
