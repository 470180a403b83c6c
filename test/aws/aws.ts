import { AWS, startMinistack } from "./ministack.ts";

/** Where the suites of AWS adapters run. */
export interface Aws {
  /** Of every SDK client. */
  readonly config: {
    readonly region: string;
    readonly endpoint?: string;
    readonly credentials?: typeof AWS.credentials;
  };
  /** Tags of what is made, so that what an interrupted run left can be found. */
  readonly tags: Readonly<Record<string, string>>;
  /** A role that EventBridge Scheduler takes to send to queues; of an account: `TRAINYARD_TEST_SCHEDULER_ROLE`. */
  readonly schedulerRoleArn: string;
  /** Runs at the end, the last one first. */
  readonly later: (remove: () => Promise<unknown> | unknown) => void;
  readonly stop: () => Promise<void>;
}

/**
 * A new emulator; or, where `TRAINYARD_TEST_AWS` names an address (`npm run test:localstack`), what answers there; or, where it is `account`
 * (`npm run test:cloud`), the account of this machine's AWS credentials and region. What was made is removed at the end.
 */
export async function openAws(): Promise<Aws> {
  const where = process.env.TRAINYARD_TEST_AWS ?? "";
  const removals: (() => Promise<unknown> | unknown)[] = [];
  const emulator = where === "" ? await startMinistack() : undefined;
  const endpoint = emulator?.endpoint ?? where;
  return {
    config: where === "account" ? { region: regionOfAccount() } : { ...AWS, endpoint },
    schedulerRoleArn: process.env.TRAINYARD_TEST_SCHEDULER_ROLE ?? "arn:aws:iam::000000000000:role/scheduler",
    tags: { "trainyard:test": "conformance" },
    later: (remove) => void removals.push(remove),
    async stop() {
      for (const remove of removals.toReversed()) await remove();
      await emulator?.stop();
    },
  };
}

function regionOfAccount(): string {
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (region === undefined) throw new Error("AWS_REGION is not set: name the region that the suites may use");
  return region;
}
