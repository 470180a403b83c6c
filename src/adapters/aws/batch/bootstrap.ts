/** Where the volume that an attempt's containers share is mounted. */
export const VOLUME_PATH = "/trainyard";

/**
 * What the first container runs (`node --input-type=module -e`): exchanges the one-time code for the run's token, fetches the runner's one file to the volume,
 * checks it, and goes on as it. Text, not code of ours that is bundled: it is part of the job definition and runs in a public Node image.
 */
export const BOOTSTRAP = `
import { createHash, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
const { TRAINYARD_URL: url, TRAINYARD_START: code, TRAINYARD_VOLUME: volume, AWS_BATCH_JOB_NODE_INDEX: node = "0", AWS_BATCH_JOB_ARRAY_INDEX: index } = process.env;
delete process.env.TRAINYARD_START;
const program = volume + "/runner.mjs";
async function ask(what, address, init) {
  for (let tries = 1; ; tries++) {
    let why;
    try {
      const answer = await fetch(address, { ...init, signal: AbortSignal.timeout(60_000) });
      if (answer.ok) return Buffer.from(await answer.arrayBuffer());
      why = "status " + answer.status + ": " + (await answer.text()).slice(0, 500);
      if (answer.status < 500 && answer.status !== 429) tries = 10;
    } catch (error) {
      why = String(error.cause ?? error);
    }
    if (tries >= 10) {
      console.error("trainyard: " + what + " failed: " + why);
      process.exit(69);
    }
    await new Promise((done) => setTimeout(done, Math.min(10_000, 250 * 2 ** tries)));
  }
}
const started = JSON.parse(await ask("exchanging the one-time code", url + "/api/v1/attempts/start", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ code, nonce: randomUUID(), node: Number(node), ...(index === undefined ? {} : { index: Number(index) }) }),
}));
if (started.runner !== undefined) {
  const bytes = await ask("fetching the runner", started.runner.url);
  if (createHash("sha256").update(bytes).digest("hex") !== started.runner.sha256) {
    console.error("trainyard: the runner arrived with other bytes than it should have");
    process.exit(69);
  }
  writeFileSync(program, bytes, { mode: 0o644 });
}
const request = { apiUrl: url, token: started.token, workspace: started.workspace, runId: started.run_id, attemptId: started.attempt };
writeFileSync(volume + "/request.json", JSON.stringify(request), { mode: 0o600 });
process.argv.splice(1, process.argv.length, program, "prepare", volume);
await import(program);
`;
