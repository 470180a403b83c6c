import { pythonTool } from "./python-tool.ts";
import { type Count, runVitest } from "./vitest.ts";

const CONFIG = ["--config", "vitest.aws.config.ts"];
/** The suites of the ports that need no deployment, and so run against any AWS. */
const CONFORMANCE = ["table", "objects", "vault", "bus"].map((port) => `test/aws/${port}.test.ts`);

/** `npm run test:aws`: what needs an AWS account, against the emulator, which is installed on first use. Arguments are vitest's. */
export function testAws(args: readonly string[] = []): Promise<Count> {
  const MINISTACK = pythonTool("ministack", "ministack==1.5.33");
  return runVitest([...CONFIG, ...args], { ...process.env, MINISTACK });
}

/** `npm run test:localstack` and `npm run test:cloud`: the conformance suites against what is named, an address or `account`. */
function testElsewhere(where: string, args: readonly string[]): Promise<Count> {
  return runVitest([...CONFIG, ...CONFORMANCE, ...args], { ...process.env, TRAINYARD_TEST_AWS: where });
}

if (import.meta.main) {
  const [first, where, ...rest] = process.argv.slice(2);
  const { passed, failed } = await (first === "--at" && where !== undefined
    ? testElsewhere(where, rest)
    : testAws(process.argv.slice(2)));
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
