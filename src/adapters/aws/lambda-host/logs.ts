import {
  type CloudWatchLogsClient,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { nameOf } from "../fault.ts";

/** Instances of a function that are read: each has a stream of its own. */
const STREAMS = 5;
/** The service gives so many events at a time. */
const EVENTS = 10_000;
/** Lambda's own lines about each invocation, which say nothing of the model. */
const PLATFORM = /^(?:START|END|REPORT|INIT_START|INIT_REPORT|EXTENSION) /;

/** The log groups of functions: made before the function, so that they end when they should, and deleted with it. */
export interface FunctionLogs {
  make(group: string, days: number): Promise<void>;
  /** Latest lines of all instances, newest last. */
  tail(group: string, lines: number): Promise<string>;
  delete(group: string): Promise<void>;
}

export function openFunctionLogs(client: CloudWatchLogsClient, tags: Record<string, string>): FunctionLogs {
  return {
    async make(logGroupName, retentionInDays) {
      await client
        .send(new CreateLogGroupCommand({ logGroupName, tags }))
        .catch(unless("ResourceAlreadyExistsException"));
      await client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays }));
    },
    async tail(logGroupName, lines) {
      const found = await client
        .send(
          new DescribeLogStreamsCommand({ logGroupName, orderBy: "LastEventTime", descending: true, limit: STREAMS }),
        )
        .catch(unless("ResourceNotFoundException"));
      const limit = Math.min(lines, EVENTS);
      const events = await Promise.all(
        (found?.logStreams ?? []).map(async ({ logStreamName }) => {
          const read = await client.send(new GetLogEventsCommand({ logGroupName, logStreamName, limit }));
          return read.events ?? [];
        }),
      );
      return events
        .flat()
        .sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0))
        .map(({ message = "" }) => message.replace(/\n$/, ""))
        .filter((message) => !PLATFORM.test(message))
        .slice(-lines)
        .join("\n");
    },
    async delete(logGroupName) {
      await client.send(new DeleteLogGroupCommand({ logGroupName })).catch(unless("ResourceNotFoundException"));
    },
  };
}

function unless(name: string): (error: unknown) => undefined {
  return (error) => {
    if (nameOf(error) !== name) throw error;
    return undefined;
  };
}
