import type { TrainingSettings } from "../../src/adapters/aws/batch/settings.ts";
import { AWS } from "./ministack.ts";

/** Where jobs run in the emulator, which makes nothing of most of it. */
export const TRAINING: TrainingSettings = {
  home: "yard",
  region: AWS.region,
  nodeImage: "node:24",
  subnetIds: ["subnet-1"],
  multiNodeSubnetIds: ["subnet-2"],
  assignPublicIp: true,
  securityGroupId: "sg-1",
  multiNodeSecurityGroupId: "sg-2",
  instanceProfileArn: "arn:aws:iam::000000000000:instance-profile/p",
  launchTemplateId: "lt-1",
  executionRoleArn: "arn:aws:iam::000000000000:role/r",
  schedulingPolicyArn: "arn:aws:batch:us-east-1:000000000000:scheduling-policy/yard",
  logGroup: "jobs",
  maxVcpus: 64,
};
