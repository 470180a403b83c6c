/** How one request of the SDK goes wrong, in the words of the service. `lost`: it is done, and its answer never comes. `half`: a batch of which the last entry is not done. */
export type Fault = "throttled" | "unreachable" | "lost" | "denied" | "half";

interface Stack {
  readonly middlewareStack: {
    // biome-ignore lint/suspicious/noExplicitAny: each client has a stack of its own types
    add(middleware: any, options: any): void;
  };
}

export interface Faults {
  /** The next `times` requests of this command fail so; each try of the SDK is one. */
  arm(command: string, fault: Fault, times?: number): void;
  /** Requests that went wrong since `arm`. */
  fired(): number;
  disarm(): void;
}

interface RetryToken {
  getRetryCount(): number;
  getRetryDelay(): number;
}

/** Repeats what the SDK repeats, as often as it does, without its waiting. */
export const QUICK_RETRY = {
  acquireInitialRetryToken: async (): Promise<RetryToken> => retryToken(0),
  async refreshRetryTokenForRetry(
    token: RetryToken,
    { errorType }: { readonly errorType: string },
  ): Promise<RetryToken> {
    if (errorType !== "CLIENT_ERROR" && token.getRetryCount() < 2) return retryToken(token.getRetryCount() + 1);
    throw new Error("no more tries");
  },
  recordSuccess: (): void => undefined,
};

function retryToken(count: number): RetryToken {
  return { getRetryCount: () => count, getRetryDelay: () => 0 };
}

/** Lets requests of a client fail where they are sent, below the SDK's own retries. */
export function injectFaults(client: Stack): Faults {
  let armed: { readonly command: string; readonly fault: Fault; left: number } | undefined;
  let fired = 0;

  client.middlewareStack.add(
    // biome-ignore lint/suspicious/noExplicitAny: as above
    (next: any, { commandName = "" }: { readonly commandName?: string }) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      async (args: any) => {
        if (armed === undefined || armed.left === 0 || commandName !== `${armed.command}Command`) return next(args);
        armed.left -= 1;
        fired += 1;
        if (armed.fault === "lost") {
          await next(args);
          throw errorOf("unreachable");
        }
        if (armed.fault === "half") return halfDone(await next(args));
        throw errorOf(armed.fault);
      },
    // Inside of the middleware that repeats.
    { step: "finalizeRequest", priority: "low", name: "faults" },
  );

  return {
    arm(command, fault, times = 1) {
      armed = { command, fault, left: times };
      fired = 0;
    },
    fired: () => fired,
    disarm() {
      armed = undefined;
    },
  };
}

function errorOf(fault: Exclude<Fault, "lost" | "half">): Error {
  const [name, status, code] = {
    throttled: ["ThrottlingException", 400, undefined] as const,
    unreachable: ["TimeoutError", undefined, "ECONNRESET"] as const,
    denied: ["AccessDeniedException", 403, undefined] as const,
  }[fault];
  return Object.assign(new Error(`${name} of a test`), {
    name,
    $fault: "client",
    $metadata: status === undefined ? {} : { httpStatusCode: status },
    ...(code === undefined ? {} : { code }),
  });
}

interface Answer {
  readonly output: {
    readonly Responses?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
    readonly Successful?: readonly { readonly Id: string }[];
    readonly Deleted?: unknown;
  };
}

/** The service says that it has not come to the last entry. */
function halfDone(answer: Answer): unknown {
  const { output } = answer;
  if (output.Responses !== undefined) {
    const [table = "", items = []] = Object.entries(output.Responses)[0] ?? [];
    const last = items.at(-1);
    const Keys = last === undefined ? [] : [{ pk: last.pk, sk: last.sk }];
    const Responses = { [table]: items.slice(0, -1) };
    return { ...answer, output: { ...output, Responses, UnprocessedKeys: { [table]: { Keys } } } };
  }
  if (output.Successful !== undefined) {
    const last = output.Successful.at(-1);
    const Failed = [{ Id: last?.Id, SenderFault: false, Code: "InternalError", Message: "of a test" }];
    return { ...answer, output: { ...output, Successful: output.Successful.slice(0, -1), Failed } };
  }
  const Errors = [{ Key: "of-a-test", Code: "InternalError", Message: "of a test" }];
  return { ...answer, output: { ...output, Errors } };
}
