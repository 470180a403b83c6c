import { AppError, isAppError } from "../../../contract/errors.ts";
import { isPassing, nameOf, rethrowFrom, statusOf } from "../fault.ts";

/** One use of a thing that is to become a workspace's. */
interface Use {
  /** Right that it takes: `s3:PutObject`. */
  readonly right: string;
  readonly resource: string;
}

/** Does `work`; where the home lacks the right to, or the thing is not there, says so, and what policy statement would give it. */
export async function using<T>({ right, resource }: Use, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAppError(error)) throw error;
    if (isPassing(error)) return rethrowFrom(right.split(":")[0] ?? right)(error);
    if (isDenied(error)) throw denied(right, resource, error as Error);
    if (isMissing(error)) {
      throw new AppError("InvalidArgument", `\`${resource}\` is not there, or not in the home's region`, {
        hint: "the ARN's own region and account count; look for a slip in its name",
      });
    }
    throw error;
  }
}

/** What is not as a workspace's storage has to be. */
export function unfit(message: string, hint: string): AppError {
  return new AppError("InvalidArgument", message, { hint });
}

function denied(right: string, resource: string, cause: Error): AppError {
  const statement = { Effect: "Allow", Action: right, Resource: resource };
  return new AppError(
    "Forbidden",
    `the home may not do \`${right}\` to \`${resource}\`: ${cause.message}`,
    {
      hint: `name its ARN among \`adopted\` in trainyard.config.ts and deploy; if it has a policy of its own, that has to allow the home's roles ${JSON.stringify(statement)}`,
    },
    { cause },
  );
}

function isDenied(error: unknown): boolean {
  return /AccessDenied|NotAuthorized|Forbidden|^403$/i.test(nameOf(error)) || statusOf(error) === 403;
}

function isMissing(error: unknown): boolean {
  return (
    /NotFound|NoSuch(?:Bucket|Key)$|PermanentRedirect|^(?:301|404)$/.test(nameOf(error)) || statusOf(error) === 301
  );
}
