import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeImagesCommand, ECRClient } from "@aws-sdk/client-ecr";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect } from "vitest";
import { isFunctionOf } from "../../src/adapters/aws/lambda-host/settings.ts";
import { until } from "../helpers/ports.ts";
import type { StoryHome } from "../scenario/stories/home.ts";
import type { Story } from "../scenario/stories/stories.ts";
import { tellStories } from "../scenario/stories/tell.ts";
import { type Deployment, deploy } from "./deployment.ts";
import { openEmulator } from "./emulator.ts";
import { openForwardProxy } from "./forward-proxy.ts";
import { resolveLocalhost } from "./localhost-names.ts";
import { AWS } from "./ministack.ts";

let deployment: Deployment;
let heard: () => Promise<readonly string[]>;
const LONG_MS = 120_000;

/** What only a home with machines of others can tell; each through the deployed rules, queue and functions. */
const ONLY_HERE: readonly Story[] = [
  {
    name: "read why a job waits",
    async happen(me) {
      const statusReason =
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type [m5.xlarge]";
      const match = { jobQueue: "*spot*" };
      await openEmulator(deployment.endpoint).hold({ match, status: "RUNNABLE", statusReason });
      await me.run(
        "compute create --name spots --type cluster --size Standard_DS3_v2 --tier low_priority --max 2 -w wines",
      );
      const spec = "type: command\ncommand: echo begun && sleep 600\nenvironment: {image: 'python:3.12-slim'}\n";
      writeFileSync(join(me.folder, "spot.yml"), `${spec}compute: azureml:spots\n`);
      await me.run("job create --file spot.yml --name waiter -w wines");

      const show = () => me.json("job show --name waiter -w wines");
      const waiting = await until(
        async () => {
          const job = await show();
          return job.status_reason?.startsWith("AWS has no") && job;
        },
        "the reason",
        LONG_MS,
      );
      await openEmulator(deployment.endpoint).release(match);

      expect(waiting.status_reason).toContain("AWS has no spot m5.xlarge machines to give");
      await until(async () => (await show()).status === "Running", "the job to run", LONG_MS);
    },
  },
  {
    name: "lose a machine, and go on with another attempt",
    async happen(me) {
      const emulator = openEmulator(deployment.endpoint);
      const jobs = (await emulator.jobs()).filter(({ tags }) => tags?.["trainyard:run"] === "waiter");
      await emulator.interrupt(jobs[0]?.jobId ?? "");

      const again = await until(
        async () => {
          const job = await me.json("job show --name waiter -w wines");
          return job.attempts.length === 2 && job.status === "Running" && job;
        },
        "the second attempt",
        LONG_MS,
      );
      await me.run("job cancel --name waiter --yes -w wines");

      expect(jobs).toHaveLength(1);
      expect(again.attempts[0].reason).toMatch(/^Host EC2 \(instance i-\w+\) terminated/);
      expect(again.history.map(({ status }: { status: string }) => status)).toContain("Running");
    },
  },
  {
    name: "find nothing left in the account of an endpoint that was deleted",
    async happen() {
      const at = { ...AWS, endpoint: deployment.endpoint };
      const { Functions } = await new LambdaClient(at).send(new ListFunctionsCommand({}));
      const group = { logGroupNamePrefix: "/aws/lambda/trainyard-serve-" };
      const { logGroups } = await new CloudWatchLogsClient(at).send(new DescribeLogGroupsCommand(group));
      const repositoryName = "trainyard/endpoints";
      const { imageDetails = [] } = await new ECRClient(at).send(new DescribeImagesCommand({ repositoryName }));

      expect(Functions?.filter(({ FunctionName = "" }) => isFunctionOf("trainyard", FunctionName))).toEqual([]);
      expect(logGroups).toEqual([]);
      // One environment was served, whatever the number of deployments: its image stays for the next one.
      expect(imageDetails.map(({ imageTags }) => imageTags)).toEqual([[expect.stringMatching(/^env-/)]]);
    },
  },
  {
    name: "hear of all that happened on the home's own bus",
    async happen() {
      const told = await heard();

      expect(told).toContain("Activity workspace wines create");
      expect(told).toContain("Job State Change job wine-1 status Completed");
      expect(told.filter((each) => each.includes("waiter status Queued"))).toHaveLength(1);
    },
  },
];

resolveLocalhost();
const home = async (): Promise<StoryHome> => {
  deployment = await deploy();
  heard = await listen(deployment.endpoint);
  const proxy = await openForwardProxy();
  const { accessKeyId, secretAccessKey } = AWS.credentials;
  const root = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: AWS.region };
  return {
    kind: "AWS",
    url: () => deployment.url,
    owner: "owner",
    variables: () => ({ http_proxy: proxy.url, no_proxy: "" }),
    async signIn(me, name, owner) {
      const login = `login ${deployment.url} --iam`;
      if (name === "owner") return me.try(login, { env: root });
      const user = await makeUser(deployment.endpoint, name.replace(/@.*/, ""));
      await owner.run(`iam create --principal ${user.arn} --name ${name}`);
      return me.try(login, { env: { ...root, ...user.env } });
    },
    async close() {
      proxy.close();
      await deployment.cleanup();
    },
  };
};
tellStories("AWS", home, ONLY_HERE);

/** A rule of one's own on the home's bus; answers what it has brought so far. */
async function listen(endpoint: string) {
  const queues = new SQSClient({ ...AWS, endpoint });
  const buses = new EventBridgeClient({ ...AWS, endpoint });
  const { QueueUrl = "" } = await queues.send(new CreateQueueCommand({ QueueName: "mine" }));
  const rule = { EventBusName: "trainyard", Name: "mine" };
  await buses.send(new PutRuleCommand({ ...rule, EventPattern: JSON.stringify({ source: ["trainyard"] }) }));
  const Arn = `arn:aws:sqs:${AWS.region}:000000000000:mine`;
  await buses.send(new PutTargetsCommand({ EventBusName: "trainyard", Rule: "mine", Targets: [{ Id: "mine", Arn }] }));
  return async () => {
    const told: string[] = [];
    for (;;) {
      const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      if (Messages.length === 0) return told;
      for (const { Body = "" } of Messages) {
        const { "detail-type": kind, detail } = JSON.parse(Body);
        told.push([kind, detail.resource, detail.name, detail.action, detail.after?.status].join(" ").trim());
      }
    }
  };
}

/** A user of the account, with a key. */
async function makeUser(endpoint: string, name: string) {
  const ask = async (action: string) => {
    const answer = await fetch(endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `AWS4-HMAC-SHA256 Credential=${AWS.credentials.accessKeyId}/20260101/${AWS.region}/iam/aws4_request`,
      },
      body: new URLSearchParams({ Action: action, Version: "2010-05-08", UserName: name }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
    return (tag: string) => new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(text)?.[1] ?? "";
  };
  const user = await ask("CreateUser");
  const key = await ask("CreateAccessKey");
  return {
    arn: user("Arn"),
    env: { AWS_ACCESS_KEY_ID: key("AccessKeyId"), AWS_SECRET_ACCESS_KEY: key("SecretAccessKey") },
  };
}
