import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

export interface HomeAlarmProps {
  readonly metric: IMetric;
  /** The alarm goes off at this value. */
  readonly threshold: number;
  /** Of how many periods each has to be so. @default 1 */
  readonly periods?: number;
  /** `page`: people are hindered now; `ticket`: look at it within a day. */
  readonly severity: "page" | "ticket";
  /** What is so, in a sentence. */
  readonly says: string;
  /** Heading of docs/runbook.md that tells what to do. */
  readonly runbook: string;
  /** Who is told. @default nobody; the alarm shows in the console */
  readonly topic: ITopic | undefined;
}

/** An alarm that tells how bad it is and what to do. Silence is no alarm: an idle home has no data. */
export function addAlarm(scope: Construct, id: string, props: HomeAlarmProps): Alarm {
  const alarm = new Alarm(scope, id, {
    metric: props.metric,
    threshold: props.threshold,
    evaluationPeriods: props.periods ?? 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: `[${props.severity}] ${props.says} What to do: docs/runbook.md#${props.runbook}`,
  });
  if (props.topic !== undefined) alarm.addAlarmAction(new SnsAction(props.topic));
  return alarm;
}
