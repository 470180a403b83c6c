import { defineConfig } from "vitest/config";

/** `npm run test:aws`: the ports' suites over AWS adapters against the emulator. */
export default defineConfig({
  test: {
    include: ["test/aws/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
});
