import { isAppError } from "../../contract/errors.ts";
import { invalid } from "../../core/tracking/errors.ts";

const WRONG_TYPE = /^Invalid value (-?\d+) for parameter '([^']+)' supplied: .*'int'/s;

/** An error about a value of a wrong type, with the value as it was sent: JSON here makes `9` of `9.0`, and clients assert on the text. */
export function asSent(error: unknown, body: string): unknown {
  const [, shown = "", path = ""] = (isAppError(error) && WRONG_TYPE.exec(error.message)) || [];
  if (!isAppError(error) || shown === "" || !body.includes(`${shown}.0`)) return error;
  const field = path.replace(/^.*\./s, "");
  let isFloat = false;
  JSON.parse(body, (key: string, value: unknown, context?: { readonly source?: string }) => {
    if (key === field && String(value) === shown && context?.source?.includes(".")) isFloat = true;
    return value;
  });
  return isFloat ? invalid(error.message.replace(shown, `${shown}.0`).replace("'int'", "'float'")) : error;
}
