import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { makeHostReader } from "../../src/adapters/aws/lambda-host/host.ts";
import { openFunctionLogs } from "../../src/adapters/aws/lambda-host/logs.ts";
import { openHostedRecords } from "../../src/adapters/aws/lambda-host/records.ts";
import type { Host } from "../../src/core/ports/host.ts";
import type { Table } from "../../src/core/ports/table.ts";

/** Deployments as those see them who make none: by what is on record, and their logs. */
export function openHostReader(table: Table): Host {
  return makeHostReader({
    records: openHostedRecords(table),
    logs: openFunctionLogs(new CloudWatchLogsClient({}), {}),
  });
}
