import { stringify } from "yaml";

/** In a module of its own, so that it is loaded only where YAML is written. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
