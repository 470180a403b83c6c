import { runVitest } from "./vitest.ts";

/**
 * `npm run test:clients`: autolog of lightning and transformers, MLflow's Java client (needs a JDK >= 17 and Maven), Python clients of earlier
 * versions. Installs several GB on first use. Arguments are vitest's.
 */
const { passed, failed } = await runVitest(["--config", "vitest.clients.config.ts", ...process.argv.slice(2)]);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
