import type { CloudFormationCustomResourceEvent } from "aws-lambda";

/** CloudFormation reads no more of a reason. */
const REASON_LIMIT_CHARS = 1000;

/** Tells CloudFormation how a custom resource went: what `work` answers, or why it failed. An unanswered stack would hang for an hour. */
export async function answerStack(
  event: CloudFormationCustomResourceEvent,
  physicalId: string,
  work: () => Promise<string>,
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const { Status, Reason } = await work().then(
    (said) => ({ Status: "SUCCESS", Reason: said }),
    (error: unknown) => ({ Status: "FAILED", Reason: error instanceof Error ? error.message : String(error) }),
  );
  const response = await fetch(ResponseURL, {
    method: "PUT",
    // The address is signed for an empty type.
    headers: { "content-type": "" },
    body: JSON.stringify({
      Status,
      Reason: Reason.slice(0, REASON_LIMIT_CHARS),
      PhysicalResourceId: physicalId,
      StackId,
      RequestId,
      LogicalResourceId,
    }),
  });
  if (!response.ok) throw new Error(`CloudFormation took the answer ${Status} with ${response.status}`);
}
