/** Conda package -> requirement on PyPI, where the names differ. */
const PYPI_NAMES: Readonly<Record<string, string>> = {
  pytorch: "torch",
  "pytorch-cpu": "torch",
  "pytorch-gpu": "torch",
  "tensorflow-gpu": "tensorflow",
  "tensorflow-base": "tensorflow",
  pytables: "tables",
  "py-xgboost": "xgboost",
  "py-xgboost-cpu": "xgboost",
  "py-opencv": "opencv-python-headless",
  opencv: "opencv-python-headless",
  "matplotlib-base": "matplotlib",
  "dask-core": "dask",
  "seaborn-base": "seaborn",
  "python-graphviz": "graphviz",
  "msgpack-python": "msgpack",
  ruamel_yaml: "ruamel.yaml",
  typing_extensions: "typing-extensions",
  importlib_metadata: "importlib-metadata",
  "pyarrow-all": "pyarrow",
  psycopg2: "psycopg2-binary",
  huggingface_hub: "huggingface-hub",
  fbprophet: "prophet",
  "lightgbm-gpu": "lightgbm",
  umap: "umap-learn",
};

/** Packages of conda that are no Python packages: compilers, drivers, system libraries and tools. */
const NOT_PYTHON = new Set([
  "cudatoolkit",
  "cuda",
  "cudnn",
  "nccl",
  "pytorch-cuda",
  "pytorch-mutex",
  "cpuonly",
  "cuda-toolkit",
  "cuda-nvcc",
  "mkl",
  "blas",
  "openblas",
  "libblas",
  "libgcc",
  "libgcc-ng",
  "libstdcxx-ng",
  "gcc",
  "gxx",
  "gcc_linux-64",
  "gxx_linux-64",
  "gfortran",
  "make",
  "git",
  "git-lfs",
  "openmpi",
  "mpich",
  "ffmpeg",
  "openssl",
  "ca-certificates",
  "zlib",
  "bzip2",
  "xz",
  "sqlite",
  "tk",
  "readline",
  "ncurses",
  "libffi",
  "nodejs",
  "openjdk",
  "java-jdk",
  "maven",
  "curl",
  "wget",
  "unzip",
  "hdf5",
  "libsndfile",
  "llvm-openmp",
  "intel-openmp",
  "vs2015_runtime",
  "vc",
  "conda",
  "anaconda",
  "conda-build",
  "r",
  "r-base",
  "r-essentials",
  "python_abi",
  "_libgcc_mutex",
  "_openmp_mutex",
]);

/** What one line of a conda file's `dependencies` means for pip. */
export type CondaLine =
  | { readonly kind: "python"; readonly version?: string }
  /** pip itself, setuptools, wheel: every environment has what it needs of them. */
  | { readonly kind: "tooling" }
  | { readonly kind: "requirement"; readonly text: string }
  | { readonly kind: "foreign"; readonly name: string };

const LINE = /^(?:[\w./-]+::)?([A-Za-z0-9_][\w.-]*)(\[[^\]]*\])?\s*(.*)$/;

/** Reads a conda match specification: `numpy=1.21.2`, `scikit-learn >=1,<2`, `conda-forge::pandas=1.5=py310_0`. */
export function readCondaLine(line: string): CondaLine | undefined {
  const text = line.replace(/\s+#.*$/, "").trim();
  if (text === "" || text.startsWith("#")) return undefined;
  const found = LINE.exec(text);
  if (found === null) return { kind: "foreign", name: text };
  const name = (found[1] ?? "").toLowerCase();
  const constraint = condaConstraint(found[3] ?? "");
  if (name === "python") {
    const version = /(\d+\.\d+)/.exec(constraint)?.[1];
    return { kind: "python", ...(version === undefined ? {} : { version }) };
  }
  if (name === "pip" || name === "wheel") return { kind: "tooling" };
  if (NOT_PYTHON.has(name) || name.startsWith("r-") || (name.startsWith("lib") && !PYPI_LIB.has(name)))
    return { kind: "foreign", name };
  return { kind: "requirement", text: `${PYPI_NAMES[name] ?? name}${constraint}` };
}

/** Names that start with `lib` and are Python packages all the same. */
const PYPI_LIB = new Set(["librosa", "libcst", "libsvm", "liblinear", "libtorrent", "library"]);

/** `=1.2` is conda's "starts with"; `==1.2` exact; a second `=` part is the build and says nothing to pip. */
function condaConstraint(text: string): string {
  const spaced = /^\s*(\d[\w.*]*)(?:\s+\S+)?$/.exec(text);
  if (spaced?.[1] !== undefined) return prefixPin(spaced[1]);
  return text
    .replace(/\s+/g, "")
    .split(",")
    .map((part) => {
      const found = /^(===?|=|~=|!=|>=|<=|>|<)?([^=]*)(?:=.*)?$/.exec(part);
      const [operator = "", version = ""] = [found?.[1], found?.[2]];
      if (version === "" || version === "*") return "";
      if (operator === "=") return prefixPin(version);
      return `${operator === "" ? "==" : operator}${version}`;
    })
    .filter((part) => part !== "")
    .join(",");
}

/** A full version stays exact; `1.5` or `1.5.*` means any release of that line. */
function prefixPin(version: string): string {
  const plain = version.replace(/\.?\*$/, "");
  if (plain === "") return "";
  return plain.split(".").length >= 3 ? `==${plain}` : `==${plain}.*`;
}

/** Normal form of a requirement's name, as PyPI compares names; undefined for options, addresses and paths. */
export function requirementName(line: string): string | undefined {
  const found = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:@|[=<>!~;(]|$)/.exec(line);
  return found?.[1]?.toLowerCase().replace(/[-_.]+/g, "-");
}

/** Packages that only make sense against Azure's own service, and what takes their place. */
const REPLACED: Readonly<Record<string, { readonly with?: string; readonly why: string }>> = {
  "azureml-mlflow": { with: "mlflow", why: "jobs track with MLflow itself" },
  "azureml-defaults": { with: "azureml-inference-server-http", why: "only its inference server is of use here" },
  "azureml-telemetry": { why: "it reports to Azure" },
  "azureml-contrib-services": { why: "the serving wrapper has its classes" },
  "azureml-dataset-runtime": { why: "inputs arrive as files" },
};

/** A requirement as it is installed here, and the reason when it is not the one that was written. */
export function localRequirement(line: string): { readonly text?: string; readonly note?: string } {
  const name = requirementName(line);
  const other = name !== undefined && Object.hasOwn(REPLACED, name) ? REPLACED[name] : undefined;
  if (other === undefined) return { text: line };
  return other.with === undefined
    ? { note: `\`${line}\` is left out: ${other.why}` }
    : { text: other.with, note: `\`${line}\` becomes \`${other.with}\`: ${other.why}` };
}
