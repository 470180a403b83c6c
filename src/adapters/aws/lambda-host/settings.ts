/** What the stack tells of where functions of deployments are made. */
export interface ServingSettings {
  /** The home's name: its functions are `<home>-serve-<hash>`. */
  readonly home: string;
  /** What functions run as: they write their log, nothing else. */
  readonly roleArn: string;
  /** `<account>.dkr.ecr.<region>.amazonaws.com/<home>/endpoints`. */
  readonly repositoryUri: string;
  /** Days after which their logs go. */
  readonly logDays: number;
}

const HASH_CHARS = 16;

/** Name of a replica set's function. */
export function functionName(home: string, hash: string): string {
  return `${home}-serve-${hash.slice(0, HASH_CHARS)}`;
}

/** Names of a home's functions, and of nobody else's. */
export function isFunctionOf(home: string, name: string): boolean {
  return name.startsWith(`${home}-serve-`) && /^[0-9a-f]{16}$/.test(name.slice(home.length + "-serve-".length));
}

export function logGroupOf(functionName: string): string {
  return `/aws/lambda/${functionName}`;
}

/** Tag by which an image in use is kept (repository.ts). */
export function imageTagOf(functionName: string): string {
  return `used-${functionName}`;
}
