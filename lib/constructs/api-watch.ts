import { Duration } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Dashboard, GraphWidget, type IMetric, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { TELEMETRY } from "../../src/contract/telemetry.ts";
import type { Stage } from "../config/stage.ts";
import { addAlarm } from "./alarm.ts";

export interface ApiWatchProps {
  readonly stage: Stage;
  readonly api: HttpApi;
  readonly handler: IFunction;
  readonly table: TableV2;
  readonly topic: ITopic | undefined;
}

/** Three alarms and one dashboard over the API: both within what CloudWatch gives an account for nothing. */
export class ApiWatch extends Construct {
  constructor(scope: Construct, id: string, { stage, api, handler, table, topic }: ApiWatchProps) {
    super(scope, id);
    const sum = { statistic: "Sum", period: Duration.minutes(5) };
    const quantile = (statistic: string) => ({ statistic, period: Duration.minutes(5) });
    const said = (metricName: string, statistic = "Sum") =>
      new Metric({
        namespace: TELEMETRY.namespace,
        metricName,
        dimensionsMap: { stage: stage.name },
        ...quantile(statistic),
      });

    addAlarm(this, "Errors", {
      metric: api.metricServerError(sum),
      threshold: 5,
      severity: "page",
      says: "The API answered 5 or more requests of 5 minutes with a fault of its own.",
      runbook: "api-errors",
      topic,
    });
    addAlarm(this, "Throttles", {
      metric: handler.metricThrottles(sum),
      threshold: 1,
      severity: "ticket",
      says: "The account had no free function for a request.",
      runbook: "api-throttles",
      topic,
    });
    addAlarm(this, "Slow", {
      metric: api.metricLatency(quantile("p95")),
      threshold: 3000,
      periods: 3,
      severity: "ticket",
      says: "One request of 20 took 3 seconds or longer, for 15 minutes.",
      runbook: "api-slow",
      topic,
    });

    if (!stage.dashboard) return;
    const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 8 });
    const consumed = (metricName: string) => table.metric(metricName, sum);
    new Dashboard(this, "Dashboard", {
      dashboardName: stage.name,
      widgets: [
        [
          graph("Requests", [api.metricCount(sum), api.metricClientError(sum), api.metricServerError(sum)]),
          graph("Latency, ms", [api.metricLatency(quantile("p50")), api.metricLatency(quantile("p95"))]),
          graph("The app's own time, ms", [said(TELEMETRY.latency, "p50"), said(TELEMETRY.latency, "p95")]),
        ],
        [
          graph("Faults, refusals, cold starts", [
            said(TELEMETRY.faults),
            said(TELEMETRY.refusals),
            said(TELEMETRY.coldStarts),
          ]),
          graph("Function", [handler.metricInvocations(sum), handler.metricErrors(sum), handler.metricThrottles(sum)]),
          graph("Table units", [consumed("ConsumedReadCapacityUnits"), consumed("ConsumedWriteCapacityUnits")]),
        ],
      ],
    });
  }
}
