import type { CloudFormationCustomResourceEvent, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import { type AccessChange, distrustOf, openEdgeClient, tellEdge } from "../src/adapters/aws/edge-trust.ts";
import { type Attributes, fromAttributes } from "../src/adapters/aws/table-values.ts";
import { openSecret } from "./home/secret.ts";
import { answerStack } from "./middleware/answer-stack.ts";

const { STORE_ARN = "", VAULT_KEY_ARN = "", AWS_ENDPOINT_URL } = process.env;
const client = openEdgeClient(AWS_ENDPOINT_URL);

/** Gives the edge's store the key that tokens are signed with, when the stack is deployed; and, as the table's stream tells of it, whom not to believe any more. */
export async function handler(event: DynamoDBStreamEvent | CloudFormationCustomResourceEvent): Promise<void> {
  if ("Records" in event) return tellEdge(client, STORE_ARN, distrustOf(event.Records.flatMap(changeOf)));
  return answerStack(event, "edge-key", async () => {
    if (event.RequestType === "Delete") return "the store goes with its key";
    const key = await openSecret(VAULT_KEY_ARN).derive("signer");
    await tellEdge(client, STORE_ARN, { key: key.export().toString("base64") });
    return "the edge checks tokens";
  });
}

function changeOf({ eventName, dynamodb }: DynamoDBRecord): AccessChange[] {
  const image = dynamodb?.NewImage ?? dynamodb?.OldImage;
  if (eventName === undefined || image === undefined) return [];
  const atSec = Math.ceil(dynamodb?.ApproximateCreationDateTime ?? Date.now() / 1000);
  return [{ kind: eventName, item: fromAttributes(image as Attributes), atSec }];
}
