/** What jobs on AWS Batch are made of: all of it deployed with the home (lib/stacks/training-stack.ts). */
export interface TrainingSettings {
  /** Prefix of the names of all that is made at run time. */
  readonly home: string;
  readonly region: string;
  /** Image with Node 24, for the containers that are ours. */
  readonly nodeImage: string;
  /** Where machines start; with public addresses or another way out. */
  readonly subnetIds: readonly string[];
  /** For jobs of several machines, which get no public address. Absent: there are no such jobs. */
  readonly multiNodeSubnetIds?: readonly string[];
  /** Machines get a public address of their own. */
  readonly assignPublicIp: boolean;
  readonly securityGroupId: string;
  /** Lets the machines of such jobs reach each other. */
  readonly multiNodeSecurityGroupId?: string;
  readonly instanceProfileArn: string;
  readonly launchTemplateId: string;
  /** Pulls images and writes logs where there is no machine of ours. */
  readonly executionRoleArn: string;
  readonly schedulingPolicyArn: string;
  /** What the containers themselves say; the command's output is the run's log. */
  readonly logGroup: string;
  /** Most vCPUs of a pool. */
  readonly maxVcpus: number;
}

/** Marks what is made at run time as this home's, to be found when it goes. */
export const HOME_TAG = "trainyard:home";
