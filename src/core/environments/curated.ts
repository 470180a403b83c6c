import type { EnvironmentDefinition, EnvironmentSpec } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { nearest } from "../../spec/suggest.ts";

/** One environment that ships with every workspace. */
export interface CuratedEnvironment {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly spec: EnvironmentSpec;
}

/** The MLflow that scripts written for the 2021-2024 images work with; its SQL stores need SQLAlchemy below 2.1. */
const MLFLOW = ["mlflow>=2.16,<2.19", "sqlalchemy<2.1"];
/** `pkg_resources` and the `distutils` shim, which scripts and packages of that time import. */
const SETUPTOOLS = "setuptools<81";
const INFERENCE = "azureml-inference-server-http";
/** pandas 1.5 has `DataFrame.append`; its binary needs NumPy 1, and its date parser an old dateutil. */
const PANDAS_1 = ["pandas==1.5.3", "python-dateutil<3", "pytz"];

const SKLEARN_1_5 = [
  "scikit-learn>=1.5,<1.6",
  ...PANDAS_1,
  "numpy>=1.22,<2",
  "scipy>=1.10,<1.14",
  "joblib>=1.2",
  "matplotlib>=3.5,<3.10",
  ...MLFLOW,
  SETUPTOOLS,
  INFERENCE,
];
const SKLEARN_1_0 = [
  "scikit-learn>=1.0.2,<1.3",
  ...PANDAS_1,
  "numpy>=1.21,<1.24",
  "scipy>=1.7,<1.11",
  "joblib>=1.1",
  "matplotlib>=3.5,<3.8",
  ...MLFLOW,
  SETUPTOOLS,
  INFERENCE,
];
const LIGHTGBM = ["lightgbm>=3.2,<4", ...SKLEARN_1_0, "psutil", "tqdm"];

function python(label: string, requirements: readonly string[], version = "3.10"): EnvironmentSpec {
  return { kind: "python", python: version, requirements: [...requirements], relax_pins: true, label };
}

function tensorflow(label: string, version: string): EnvironmentSpec {
  const [major = 2, minor = 16] = version.split(".").map(Number);
  // Older releases have no wheels for Python 3.10; the oldest that does keeps their API.
  const from = major === 2 && minor < 8 ? 8 : minor;
  const range = `>=${major}.${from},<${major}.${Math.max(from, minor) + 1}`;
  return python(label, [
    `tensorflow-cpu${range} ; sys_platform == "linux" and platform_machine == "x86_64"`,
    `tensorflow${range} ; sys_platform != "linux" or platform_machine != "x86_64"`,
    ...PANDAS_1,
    "numpy<2",
    "scikit-learn",
    "matplotlib<3.10",
    "pillow",
    ...MLFLOW,
    SETUPTOOLS,
  ]);
}

function pytorch(label: string, version: string): EnvironmentSpec {
  const [major = 2, minor = 8] = version.split(".").map(Number);
  // Nothing before 1.13 has wheels for Python 3.10 and 3.11 alike.
  const torch = major < 2 ? "torch>=1.13,<2.1" : `torch>=${major}.${minor},<${major}.${minor + 1}`;
  return python(label, [
    torch,
    "torchvision",
    ...PANDAS_1,
    "numpy<2",
    "scikit-learn",
    "matplotlib<3.10",
    "pillow",
    "tensorboard",
    "tqdm",
    "psutil",
    ...MLFLOW,
    SETUPTOOLS,
  ]);
}

/** Base images: Python, pip and nothing else. */
export function bareEnvironment(label: string, version?: string): EnvironmentSpec {
  return { kind: "python", ...(version === undefined ? {} : { python: version }), requirements: [], label };
}

/** Images that answer scoring requests: Python and Azure's inference server. */
export function inferenceEnvironment(label: string, version?: string): EnvironmentSpec {
  return { ...bareEnvironment(label, version), requirements: [INFERENCE, SETUPTOOLS], relax_pins: true };
}

/** A family of Azure's curated names. `match` sees the name in lower case, without `AzureML-`. */
interface Family {
  readonly match: RegExp;
  readonly spec: (label: string, found: RegExpExecArray) => EnvironmentSpec;
}

const FAMILIES: readonly Family[] = [
  { match: /^sklearn-1\.5(-|$)/, spec: (label) => python(label, SKLEARN_1_5) },
  { match: /^sklearn-(0\.2\d|1\.[01])(-|$)/, spec: (label) => python(label, SKLEARN_1_0) },
  { match: /^lightgbm-3\.\d(-|$)/, spec: (label) => python(label, LIGHTGBM) },
  { match: /^tensorflow-(\d\.\d+)(-|$)/, spec: (label, found) => tensorflow(label, found[1] ?? "2.16") },
  { match: /^(?:acpt-)?pytorch-(\d\.\d+)(-|$)/, spec: (label, found) => pytorch(label, found[1] ?? "2.8") },
  { match: /^acpt$|^acpt-pytorch$/, spec: (label) => pytorch(label, "2.8") },
  {
    match: /^minimal-(?:.*-)?py(\d)(\d+)(?:-.*)?inference/,
    spec: (label, found) => inferenceEnvironment(label, `${found[1]}.${found[2]}`),
  },
  { match: /^(?:minimal|mlflow|inference)-.*inference/, spec: (label) => inferenceEnvironment(label) },
  { match: /^responsibleai-tabular$/, spec: (label) => python(label, ["responsibleai", ...SKLEARN_1_5]) },
  { match: /^model-evaluation$/, spec: (label) => python(label, SKLEARN_1_5) },
  {
    match: /^(?:ai-ml-)?automl(-.*)?$/,
    spec: (label) => python(label, ["lightgbm>=3.2,<5", "xgboost>=1.7,<3", ...SKLEARN_1_5]),
  },
  { match: /^python-(3\.\d+)$/, spec: (label, found) => bareEnvironment(label, found[1]) },
  { match: /^python-3$|^minimal$/, spec: (label) => bareEnvironment(label) },
];

function familySpec(name: string): EnvironmentSpec | undefined {
  const wanted = name.toLowerCase();
  for (const family of FAMILIES) {
    const found = family.match.exec(wanted);
    if (found !== null) return family.spec(wanted, found);
  }
  return undefined;
}

function ship(name: string, description: string): CuratedEnvironment {
  const spec = familySpec(name);
  if (spec === undefined) throw new AppError("Internal", `the curated environment \`${name}\` belongs to no family`);
  return { name, version: "1", description, spec };
}

/** What a new workspace lists. Other names of the same families are understood too, and become the same specs under their own label. */
export const CURATED_ENVIRONMENTS: readonly CuratedEnvironment[] = [
  ship("sklearn-1.5", "scikit-learn 1.5, pandas 1.5, MLflow 2 and the inference server"),
  ship("sklearn-1.0", "scikit-learn 1.0 to 1.2, for scripts and pickles of that time"),
  ship("lightgbm-3.3", "LightGBM 3 with scikit-learn and MLflow 2"),
  ship("tensorflow-2.16-cuda12", "TensorFlow 2.16 for the CPU"),
  ship("acpt-pytorch-2.8-cuda12.6", "PyTorch 2.8 with torchvision"),
  ship("automl", "scikit-learn, LightGBM and XGBoost"),
  ship("responsibleai-tabular", "Responsible AI tools for tables"),
  ship("model-evaluation", "What model evaluation needs: scikit-learn and MLflow"),
  ship("minimal-py310-inference", "Python 3.10 and the inference server"),
  ship("minimal-py312-inference", "Python 3.12 and the inference server"),
  ship("python-3", "Python and pip, nothing else"),
];

/** A curated environment as the asset that a workspace shows. */
export function curatedDefinition(curated: CuratedEnvironment): EnvironmentDefinition {
  return {
    name: curated.name,
    version: curated.version,
    description: curated.description,
    conda_file: {
      name: curated.name,
      dependencies: [
        `python=${curated.spec.python ?? "3"}`,
        "pip",
        ...(curated.spec.requirements?.length ? [{ pip: [...curated.spec.requirements] }] : []),
      ],
    },
    os_type: "linux",
  };
}

/** Name inside any of the ways a curated environment is written; undefined for another registry's or workspace's address. */
export function curatedName(ref: string): string | undefined {
  const long = /^azureml:\/\/registries\/([^/]+)\/environments\/([^/]+)(?:\/(?:labels|versions)\/[^/]+)?\/?$/.exec(ref);
  if (long !== null) return long[1]?.toLowerCase() === "azureml" ? stripped(long[2] ?? "") : undefined;
  if (/^azureml:\//.test(ref) || ref.includes("/")) return undefined;
  return stripped(ref.replace(/^azureml:/, "").replace(/[@:].*$/, ""));
}

function stripped(name: string): string {
  return name.replace(/^azureml-/i, "");
}

/**
 * The spec behind a curated name: `azureml://registries/azureml/environments/NAME/(labels|versions)/X`, `azureml:AzureML-NAME@latest`,
 * `azureml:AzureML-NAME:V`, or NAME alone. Versions are not told apart: there is one build of each here. Undefined when no curated environment has that name.
 */
export function curatedFor(ref: string): EnvironmentSpec | undefined {
  const name = curatedName(ref.trim());
  return name === undefined ? undefined : familySpec(name);
}

/** The refusal for a name that is neither registered nor curated. `known`: the workspace's own environment names. */
export function unknownEnvironment(ref: string, known: readonly string[] = []): AppError {
  const name = curatedName(ref) ?? ref;
  const names = [...known, ...CURATED_ENVIRONMENTS.map((one) => one.name)];
  const near = nearest(name, names);
  const registry = /^azureml:\/\/registries\/([^/]+)\//.exec(ref)?.[1];
  const why =
    registry !== undefined && registry.toLowerCase() !== "azureml"
      ? `environment \`${ref}\` is in the registry \`${registry}\`, which cannot be reached from here`
      : `environment \`${ref}\` is neither registered in this workspace nor a curated one`;
  return new AppError("NotFound", why, {
    ref,
    ...(near === undefined ? {} : { nearest: near }),
    hint:
      near === undefined
        ? `curated are ${CURATED_ENVIRONMENTS.map((one) => `\`${one.name}\``).join(", ")}; or register one with \`yard environment create\``
        : `did you mean \`${near}\`? Or register one with \`yard environment create\``,
  });
}
