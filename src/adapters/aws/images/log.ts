import { type CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { nameOf } from "../fault.ts";

/** Pages of up to 1 MB at one look. */
const PAGES = 8;

/** Hands over what a stream has after `token` (absent: from its start); answers the token to go on with. A stream that is not there yet is empty. */
export async function readLogStream(
  logs: CloudWatchLogsClient,
  from: { readonly group: string; readonly stream: string; readonly token?: string },
  onText: (text: string) => void,
): Promise<string | undefined> {
  let { token } = from;
  for (let page = 0; page < PAGES; page++) {
    const found = await logs
      .send(
        new GetLogEventsCommand({
          logGroupName: from.group,
          logStreamName: from.stream,
          startFromHead: true,
          ...(token === undefined ? {} : { nextToken: token }),
        }),
      )
      .catch((error: unknown) => {
        if (nameOf(error) === "ResourceNotFoundException") return undefined;
        throw error;
      });
    if (found === undefined) return token;
    for (const { message = "" } of found.events ?? []) onText(message.endsWith("\n") ? message : `${message}\n`);
    const next = found.nextForwardToken;
    // The same token again is the end.
    if (next === undefined || next === token) return token;
    token = next;
  }
  return token;
}
