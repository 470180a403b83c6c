/** What a job may know of the server's surroundings: where programs are, who the account is, how the network is reached. Nothing that might be a secret of the server. */
const PASSED = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
  "TERM",
  "LD_LIBRARY_PATH",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "PIP_CONFIG_FILE",
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
  "PIP_FIND_LINKS",
  "PIP_TRUSTED_HOST",
  "PIP_CERT",
  "PIP_CACHE_DIR",
  "CUDA_VISIBLE_DEVICES",
  "NVIDIA_VISIBLE_DEVICES",
]);
/** Families: locale, uv's settings, folders of the desktop standard, threading of numeric libraries, and what is meant for jobs. */
const PREFIXES = ["LC_", "UV_", "XDG_", "OMP_", "MKL_", "OPENBLAS_", "TRAINYARD_JOB_"];

export function environmentForJobs(env: NodeJS.ProcessEnv): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const upper = name.toUpperCase();
    if (PASSED.has(upper) || PREFIXES.some((prefix) => upper.startsWith(prefix))) passed[name] = value;
  }
  return passed;
}
