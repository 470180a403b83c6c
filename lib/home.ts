import { type App, Stack, Tags } from "aws-cdk-lib";
import { ManagedPolicy, PermissionsBoundary } from "aws-cdk-lib/aws-iam";
import type { Stage } from "./config/stage.ts";
import type { HomeFunction } from "./constructs/home-function.ts";
import { ApiStack } from "./stacks/api-stack.ts";
import { DataStack } from "./stacks/data-stack.ts";
import { DrainStack } from "./stacks/drain-stack.ts";
import { EdgeStack } from "./stacks/edge-stack.ts";
import { EventsStack } from "./stacks/events-stack.ts";
import type { HomeStackProps } from "./stacks/home-stack-props.ts";
import { ImagesStack } from "./stacks/images-stack.ts";
import { ServingStack } from "./stacks/serving-stack.ts";
import { SignInStack } from "./stacks/sign-in-stack.ts";
import { TrainingStack } from "./stacks/training-stack.ts";
import { WorkerStack } from "./stacks/worker-stack.ts";

/** All stacks of one home, in the order in which they need each other. */
export function composeHome(app: App, stage: Stage): void {
  const { name, account, region } = stage;
  const props: HomeStackProps = { stage, ...(account && region ? { env: { account, region } } : {}) };

  const data = new DataStack(app, `${name}-data`, props);
  const signIn = stage.signIn ?? new SignInStack(app, `${name}-sign-in`, props).signIn;
  const images = new ImagesStack(app, `${name}-images`, { ...props, data });
  const training = new TrainingStack(app, `${name}-training`, { ...props, images });
  const events = new EventsStack(app, `${name}-events`, { ...props, alarms: data.alarms });
  const serving = new ServingStack(app, `${name}-serving`, { ...props, data, signIn });
  const { url } = new ApiStack(app, `${name}-api`, { ...props, data, signIn, events, training, serving });
  const grants = [
    (fn: HomeFunction) => images.grantBuilds(fn),
    (fn: HomeFunction) => training.grantTraining(fn),
    (fn: HomeFunction) => serving.grantHost(fn),
  ];
  new WorkerStack(app, `${name}-worker`, { ...props, data, events, apiUrl: url, grants });
  if (stage.edge) new EdgeStack(app, `${name}-edge`, { ...props, data, apiUrl: url });

  const before = app.node.children.filter(Stack.isStack);
  new DrainStack(app, `${name}-drain`, { ...props, data, before });
  for (const stack of app.node.children.filter(Stack.isStack)) settle(stack, stage);
}

/** What holds for a stack as a whole. */
function settle(stack: Stack, stage: Stage): void {
  // What a reconciler and the bill recognise us by.
  Tags.of(stack).add("trainyard:stage", stage.name);
  if (stage.permissionsBoundaryArn === undefined) return;
  const boundary = ManagedPolicy.fromManagedPolicyArn(stack, "PermissionsBoundary", stage.permissionsBoundaryArn);
  PermissionsBoundary.of(stack).apply(boundary);
}
