import { AppError } from "../contract/errors.ts";

/** `30d`, `2d8h5m20s`: as MLflow's client writes it. */
export function secondsOf(name: string, text: string): number {
  const match = /^(?:([\d.]+)d)?(?:([\d.]+)h)?(?:([\d.]+)m)?(?:([\d.]+)s)?$/.exec(text);
  const parts = (match ?? []).slice(1).map((part) => (part === undefined ? 0 : Number(part)));
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts;
  const sum = days * 86_400 + hours * 3600 + minutes * 60 + seconds;
  if (match !== null && text !== "" && Number.isFinite(sum)) return sum;
  throw new AppError("InvalidArgument", `${name} \`${text}\` is no length of time`, {
    hint: "write `30d`, `8h` or `2d8h5m20s`",
  });
}
