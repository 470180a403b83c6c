import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
} from "@aws-sdk/client-lambda";
import { AppError } from "../../../contract/errors.ts";
import {
  FUNCTION_REPLICA,
  type FunctionReplica,
  type ProbeAnswer,
  type ProbeEvent,
} from "../../../contract/replica.ts";
import type { HostSize } from "../../../core/ports/host.ts";
import { nameOf } from "../fault.ts";

export interface FunctionOrder {
  readonly name: string;
  /** What a person reads in the console. */
  readonly description: string;
  readonly image: string;
  readonly roleArn: string;
  readonly size: HostSize;
  readonly replica: FunctionReplica;
  readonly tags: Record<string, string>;
}

/** How a function is that was made. `coming`: Lambda makes its image ready. */
export type FunctionState =
  | { readonly state: "coming" | "there" | "gone" }
  | { readonly state: "failed"; readonly reason: string };

/** What a replica says of itself, or how its process ended. */
export type Probed =
  | { readonly kind: "answer"; readonly answer: ProbeAnswer }
  | { readonly kind: "died"; readonly reason: string }
  | { readonly kind: "busy" };

/** Functions of deployments: their life, and the question how they are. */
export interface Functions {
  /** Making the same function twice makes one. */
  make(order: FunctionOrder): Promise<void>;
  look(name: string): Promise<FunctionState>;
  probe(name: string, waitMs: number): Promise<Probed>;
  delete(name: string): Promise<void>;
}

/** MB of /tmp, where model and code are brought to: the most there is, since it costs next to nothing beside the memory. */
const STORAGE_MB = 10_240;

export function openFunctions(lambda: LambdaClient): Functions {
  return {
    async make(order) {
      try {
        await lambda.send(
          new CreateFunctionCommand({
            FunctionName: order.name,
            Description: order.description,
            PackageType: "Image",
            Code: { ImageUri: order.image },
            Role: order.roleArn,
            Architectures: ["x86_64"],
            MemorySize: order.size.memoryMb,
            Timeout: order.size.timeoutSec,
            EphemeralStorage: { Size: STORAGE_MB },
            Environment: { Variables: { [FUNCTION_REPLICA]: JSON.stringify(order.replica) } },
            Tags: order.tags,
          }),
        );
      } catch (error) {
        if (nameOf(error) !== "ResourceConflictException") throw makeFailure(error, order);
      }
    },
    async look(FunctionName) {
      try {
        const found = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        if (found.State === "Pending") return { state: "coming" };
        if (found.State === "Failed")
          return { state: "failed", reason: found.StateReason ?? "Lambda can't run its image" };
        return { state: "there" };
      } catch (error) {
        if (nameOf(error) === "ResourceNotFoundException") return { state: "gone" };
        throw error;
      }
    },
    async probe(FunctionName, waitMs) {
      const event: ProbeEvent = { trainyard: "probe", wait_ms: waitMs };
      try {
        const { FunctionError, Payload } = await lambda.send(
          new InvokeCommand({ FunctionName, Payload: new TextEncoder().encode(JSON.stringify(event)) }),
        );
        const said = JSON.parse(new TextDecoder().decode(Payload)) as unknown;
        if (FunctionError === undefined) return { kind: "answer", answer: said as ProbeAnswer };
        return { kind: "died", reason: deathOf(said as { errorType?: string; errorMessage?: string }) };
      } catch (error) {
        // The account has no free function, or the image is made ready again.
        if (/^(?:TooManyRequests|ResourceNotReady|ResourceConflict|EC2Throttled)/.test(nameOf(error)))
          return { kind: "busy" };
        throw error;
      }
    },
    async delete(FunctionName) {
      try {
        await lambda.send(new DeleteFunctionCommand({ FunctionName }));
      } catch (error) {
        if (nameOf(error) !== "ResourceNotFoundException") throw error;
      }
    },
  };
}

/** What Lambda refuses for good is the deployment's failure, in words; the rest is as it was. */
function makeFailure(cause: unknown, { size }: FunctionOrder): unknown {
  const said = cause instanceof Error ? cause.message : String(cause);
  if (/MemorySize/i.test(said)) {
    const hint = "name a smaller `instance_type`, or ask AWS Support to raise the account's limit";
    return new AppError(
      "DeploymentFailed",
      `this account's functions can't have ${size.memoryMb} MB of memory: ${said}`,
      { hint },
      { cause },
    );
  }
  if (nameOf(cause).startsWith("AccessDenied")) {
    const hint = "deploy the home's stacks again; a policy of the account may stand in the way";
    return new AppError("DeploymentFailed", `the home may not make its function: ${said}`, { hint }, { cause });
  }
  if (/^(?:InvalidParameterValue|CodeStorageExceeded|InvalidCodeSignature)/.test(nameOf(cause)))
    return new AppError("DeploymentFailed", `AWS Lambda does not take the function: ${said}`, {}, { cause });
  return cause;
}

function deathOf({ errorType = "", errorMessage = "" }: { errorType?: string; errorMessage?: string }): string {
  if (/signal: killed|OutOfMemory/.test(errorType + errorMessage))
    return "its function ran out of memory; name a larger `instance_type`";
  if (/Timedout|timed out/i.test(errorType + errorMessage)) return "its function did not answer in time";
  return `its function ended: ${errorMessage || errorType || "no reason is known"}`;
}
