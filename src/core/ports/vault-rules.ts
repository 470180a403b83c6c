import { AppError } from "../../contract/errors.ts";

const SECRET_LIMIT_BYTES = 64 * 1024;
const NAME_LIMIT_BYTES = 1024;

/** Throws AppError("InvalidArgument") for a name no vault keeps. */
export function checkSecretName(name: string): void {
  if (name === "" || !name.isWellFormed() || sizeOf(name) > NAME_LIMIT_BYTES) {
    throw new AppError("InvalidArgument", `a secret's name is well-formed text of 1 to ${NAME_LIMIT_BYTES} bytes`);
  }
}

/** Throws AppError("InvalidArgument") or "TooLarge" for a secret no vault keeps. */
export function checkSecret(name: string, secret: string): void {
  if (!secret.isWellFormed()) {
    throw new AppError("InvalidArgument", `secret \`${name}\` is not well-formed text`);
  }
  if (sizeOf(secret) > SECRET_LIMIT_BYTES) {
    throw new AppError("TooLarge", `secret \`${name}\` is longer than ${SECRET_LIMIT_BYTES} bytes`);
  }
}

function sizeOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
