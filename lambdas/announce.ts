import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { DynamoDBStreamEvent } from "aws-lambda";
import { announce } from "../src/adapters/aws/announce.ts";
import { type Attributes, fromAttributes } from "../src/adapters/aws/table-values.ts";

const bus = process.env.BUS_NAME;
if (bus === undefined) throw new Error("environment variable `BUS_NAME` is not set");
const client = new EventBridgeClient({});

/** Tells the home's bus of new activities, as the table's stream has them; what fails is handed over again. */
export async function handler({ Records }: DynamoDBStreamEvent): Promise<void> {
  const images = Records.flatMap(({ dynamodb }) => (dynamodb?.NewImage === undefined ? [] : [dynamodb.NewImage]));
  await announce(
    client,
    bus ?? "",
    images.map((image) => fromAttributes(image as Attributes)),
  );
}
