import type { EnvironmentSpec } from "../../contract/environments.ts";
import { bareEnvironment, curatedFor } from "./curated.ts";

/** What stands in for a container image where there is no engine. */
export interface ImageStandIn {
  readonly spec: EnvironmentSpec;
  /** Name a person knows the stand-in by. */
  readonly name: string;
}

/**
 * The Python environment nearest to an image, by its name alone: Azure's curated images by their curated name, base images (`openmpi…`, `python`,
 * `ubuntu`) as bare Python, well-known framework images as the framework.
 */
export function standInFor(image: string): ImageStandIn {
  const path = image.replace(/@sha256:.*$/, "").toLowerCase();
  const [repository = "", tag = ""] = splitTag(path);
  const last = repository.split("/").at(-1) ?? "";
  const curated = curatedFor(last);
  if (curated !== undefined && /(^|\/)azureml\//.test(repository)) return { spec: curated, name: curated.label };
  if (last === "python") {
    const version = /^(3\.\d+)/.exec(tag)?.[1];
    const name = version === undefined ? "python-3" : `python-${version}`;
    return { spec: bareEnvironment(name, version), name };
  }
  const framework = frameworkOf(repository, tag);
  if (framework !== undefined) return framework;
  const version = /py(3)(\d+)/.exec(path);
  const python = version === null ? undefined : `3.${version[2]}`;
  const name = python === undefined ? "python-3" : `python-${python}`;
  return { spec: bareEnvironment(name, python), name };
}

function frameworkOf(repository: string, tag: string): ImageStandIn | undefined {
  const version = /(\d+\.\d+)/.exec(tag)?.[1];
  const wanted = /(^|\/)(tensorflow|pytorch)(\/|$)/.exec(repository)?.[2];
  if (wanted === undefined || repository.endsWith("/serving")) {
    if (!/scipy-notebook|datascience-notebook/.test(repository)) return undefined;
    return named("sklearn-1.5");
  }
  const fallback = wanted === "tensorflow" ? "2.16" : "2.8";
  // NVIDIA's tags are dates (`22.02-py3`), not versions of the framework.
  const usable = version !== undefined && Number(version.split(".")[0]) < 10 ? version : fallback;
  return named(`${wanted}-${usable}`);
}

function named(name: string): ImageStandIn | undefined {
  const spec = curatedFor(name);
  return spec === undefined ? undefined : { spec, name };
}

function splitTag(path: string): [string, string] {
  const colon = path.lastIndexOf(":");
  return colon > path.lastIndexOf("/") ? [path.slice(0, colon), path.slice(colon + 1)] : [path, ""];
}
