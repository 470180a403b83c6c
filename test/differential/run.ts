import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { openMlflow } from "../../bench/mlflow-peer.ts";
import { startServer } from "../helpers/server.ts";
import type { Call } from "./call.ts";
import { EXPLANATIONS, type Met } from "./explained.ts";
import { sequence, sequenceOf } from "./generate/sequences.ts";
import { type Failure, Lane } from "./lane.ts";
import { type Failing, shrink, signature } from "./shrink.ts";

/**
 * `npm run differential -- --sequences 5000 --seed 1`: random sequences of calls go to this server and to an MLflow server of PyPI; every answer must be equal
 * but for what explained.ts lists. Exit code 1 on any other difference, printed as a case that `--replay FILE` runs again.
 */
const { values: options } = parseArgs({
  options: {
    sequences: { type: "string", default: "500" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    lanes: { type: "string", default: "2" },
    theme: { type: "string" },
    replay: { type: "string" },
    /** How many differences are looked into before the run ends. */
    failures: { type: "string", default: "5" },
    report: { type: "string" },
    /** Every explained difference is appended here, a line of JSON each. */
    explained: { type: "string" },
  },
});
const seed = Number(options.seed);
const wanted = Number(options.sequences);
const failuresLimit = Number(options.failures);
const replayed =
  options.replay === undefined ? undefined : (JSON.parse(readFileSync(options.replay, "utf8")) as Call[][]);
const laneCount = replayed === undefined ? Number(options.lanes) : 1;

const counts = { sequences: 0, calls: 0, hits: new Map<string, number>() };
const failing = new Map<string, { first: Failing; times: number }>();
const started = performance.now();

/** The sequences of a seed: batches keep memory flat, and number i is the same however many are run. */
function* sequences(): Generator<readonly Call[]> {
  if (replayed !== undefined) {
    yield* replayed;
    return;
  }
  const arbitrary = options.theme === undefined ? sequence : sequenceOf(options.theme);
  const BATCH = 50;
  for (let done = 0; done < wanted; done += BATCH)
    yield* fc.sample(arbitrary, { seed: seed * 1_000_003 + done, numRuns: Math.min(BATCH, wanted - done) });
}

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => (stopping = true));

async function work(lane: Lane, todo: Generator<readonly Call[]>): Promise<void> {
  for (const calls of todo) {
    const { calls: asked, explained, failure } = await lane.run(calls);
    counts.sequences++;
    counts.calls += asked;
    for (const met of explained) count(met);
    if (failure !== undefined) await note({ calls, failure }, lane);
    if (counts.sequences % 100 === 0) progress();
    if (stopping || failing.size >= failuresLimit) return;
  }
}

function count({ rule: { id }, difference, pair }: Met): void {
  counts.hits.set(id, (counts.hits.get(id) ?? 0) + 1);
  if (options.explained !== undefined)
    appendFileSync(options.explained, `${JSON.stringify({ id, difference, ...pair })}\n`);
}

async function note(found: Failing, lane: Lane): Promise<void> {
  const name = signature(found.failure);
  const known = failing.get(name);
  if (known !== undefined) {
    known.times++;
    return;
  }
  failing.set(name, { first: found, times: 1 });
  const first = await shrink(found, async (calls): Promise<Failure | undefined> => (await lane.run(calls)).failure);
  failing.set(name, { first, times: failing.get(name)?.times ?? 1 });
  print(name, first);
}

function print(name: string, { calls, failure }: Failing): void {
  console.log(`\nDIFFERENCE ${name}`);
  for (const { at, theirs, ours } of failure.unexplained.slice(0, 12))
    console.log(`  ${at}\n    MLflow: ${short(theirs)}\n    ours:   ${short(ours)}`);
  console.log(`  case: ${short([calls], 3000)}`);
}

function short(value: unknown, limit = 600): string {
  const text = value === undefined ? "(absent)" : JSON.stringify(value);
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}

function progress(): void {
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${counts.sequences}/${replayed?.length ?? wanted} sequences, ${counts.calls} calls, ${failing.size} unexplained, ${seconds.toFixed(0)} s`,
  );
}

const home = await startServer();
const peers = await Promise.all(Array.from({ length: laneCount }, () => openMlflow()));
try {
  const todo = sequences();
  const lanes = peers.map((peer, i) => new Lane(peer, { url: home.url(), token: home.token() }, `lane${i}`));
  console.log(`seed ${seed}: ours at ${home.url()}, MLflow at ${peers.map(({ port }) => port).join(", ")}`);
  await Promise.all(lanes.map((lane) => work(lane, todo)));
  for (const lane of lanes) lane.close();
} finally {
  await Promise.all([home.dispose(), ...peers.map((peer) => peer.close())]);
}

progress();
console.log("\nexplained differences:");
for (const { id, what } of EXPLANATIONS)
  if (counts.hits.has(id)) console.log(`  ${String(counts.hits.get(id)).padStart(7)}  ${id}: ${what}`);
console.log(
  `  not met: ${EXPLANATIONS.filter(({ id }) => !counts.hits.has(id))
    .map(({ id }) => id)
    .join(", ")}`,
);
if (failing.size > 0) {
  console.log("\nunexplained differences (sequences that ended there):");
  for (const [name, { times }] of failing) console.log(`  ${String(times).padStart(7)}  ${name}`);
  if (options.report !== undefined)
    writeFileSync(options.report, JSON.stringify([...failing.values()].map(({ first }) => first.calls)));
}
process.exitCode = failing.size === 0 ? 0 : 1;
