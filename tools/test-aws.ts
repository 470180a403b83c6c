import { pythonTool } from "./python-tool.ts";
import { type Count, runVitest } from "./vitest.ts";

/** `npm run test:aws`: what needs an AWS account, against the emulator, which is installed on first use. Arguments are vitest's. */
export function testAws(args: readonly string[] = []): Promise<Count> {
  const MINISTACK = pythonTool("ministack", "ministack==1.5.33");
  return runVitest(["--config", "vitest.aws.config.ts", ...args], { ...process.env, MINISTACK });
}

if (import.meta.main) {
  const { passed, failed } = await testAws(process.argv.slice(2));
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
