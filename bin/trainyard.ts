import { App, Tags } from "aws-cdk-lib";
import { stageOf } from "../lib/config/stage.ts";
import { ApiStack } from "../lib/stacks/api-stack.ts";
import { DataStack } from "../lib/stacks/data-stack.ts";
import { SignInStack } from "../lib/stacks/sign-in-stack.ts";

const app = new App();
const stage = stageOf((name) => app.node.tryGetContext(name), process.env);
const env =
  stage.account !== undefined && stage.region !== undefined
    ? { account: stage.account, region: stage.region }
    : undefined;
const props = env === undefined ? {} : { env };

const data = new DataStack(app, `${stage.name}-data`, { ...props, retain: stage.retain });
const signIn =
  stage.signIn ??
  new SignInStack(app, `${stage.name}-sign-in`, { ...props, stage: stage.name, retain: stage.retain }).signIn;
new ApiStack(app, `${stage.name}-api`, {
  ...props,
  table: data.table,
  objects: data.objects,
  vaultKey: data.vaultKey,
  signIn,
});

// What a reconciler and the bill recognise us by.
Tags.of(app).add("trainyard:stage", stage.name);
