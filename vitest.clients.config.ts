import { defineConfig } from "vitest/config";

/** `npm run test:clients`: clients whose packages are too large or too slow for `npm test`. */
export default defineConfig({
  test: {
    include: ["test/clients/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
