import { check } from "./check.ts";
import { testAws } from "./test-aws.ts";
import { testOpenapi } from "./test-openapi.ts";
import { runVitest } from "./vitest.ts";

/**
 * `npm test`: the checks, every vitest suite, the AWS suites against the emulator, and the API against its own document: all that needs no
 * Docker and no AWS account. Ends with `N passed, N failed[, N skipped]`, where each check counts as one.
 * Arguments are vitest's (`npm test -- runner`); with any, only the laptop's suites run.
 */
const args = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };

function add(count: { readonly passed: number; readonly failed: number; readonly skipped?: number }): void {
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped ?? 0;
}

/** A part that could not be run at all is one failure, in words. */
async function part(name: string, run: () => Promise<Parameters<typeof add>[0]>): Promise<void> {
  try {
    add(await run());
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`);
    add({ passed: 0, failed: 1 });
  }
}

if (args.length === 0) await part("checks", check);
await part("tests", () => runVitest(args));
if (args.length === 0) {
  await part("AWS emulator", () => testAws());
  await part("OpenAPI document", async () =>
    (await testOpenapi()) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 },
  );
}

console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
