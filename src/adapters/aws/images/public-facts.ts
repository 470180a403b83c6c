import { type ImageName, type ImageSource, MANIFESTS, type ReadImageFacts, readFacts, readImageName } from "./facts.ts";

/** Registries that give public images to anybody: host in names -> address of its API. No other host is asked: names come from people. */
const PUBLIC: Readonly<Record<string, string>> = {
  "docker.io": "https://registry-1.docker.io",
  "public.ecr.aws": "https://public.ecr.aws",
  "mcr.microsoft.com": "https://mcr.microsoft.com",
  "ghcr.io": "https://ghcr.io",
  "quay.io": "https://quay.io",
  "nvcr.io": "https://nvcr.io",
};
const TIMEOUT_MS = 10_000;

/** Looks into public images of well-known registries. What needs a login, is limited or away is not looked into. */
export function makePublicFacts(
  options: { readonly registries?: Readonly<Record<string, string>>; readonly fetch?: typeof fetch } = {},
): ReadImageFacts {
  const registries = options.registries ?? PUBLIC;
  const ask = options.fetch ?? fetch;
  return async (image) => {
    const name = readImageName(image);
    const api = Object.hasOwn(registries, name.host) ? registries[name.host] : undefined;
    if (api === undefined) return undefined;
    try {
      return await readFacts(name, image, makeSource(ask, api, name));
    } catch (error) {
      if (error instanceof Unreadable) return undefined;
      throw error;
    }
  };
}

/** The registry doesn't show this image to us. */
class Unreadable extends Error {}

function makeSource(ask: typeof fetch, api: string, name: ImageName): ImageSource {
  let token: string | undefined;

  async function get(path: string, accept: readonly string[]): Promise<Response> {
    const url = `${api}/v2/${name.path}/${path}`;
    for (let tries = 0; ; tries++) {
      const answer = await ask(url, {
        headers: { accept: accept.join(", "), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((cause: unknown) => {
        throw new Unreadable(`${name.host} can't be reached`, { cause });
      });
      if (answer.status !== 401 || tries > 0) return answer;
      token = await anonymousToken(ask, answer.headers.get("www-authenticate") ?? "", name);
    }
  }

  return {
    async manifest(reference) {
      const answer = await get(`manifests/${reference}`, MANIFESTS);
      if (answer.status === 404) return undefined;
      const text = await readable(answer).text();
      return { text, digest: answer.headers.get("docker-content-digest") ?? reference };
    },
    blob: async (digest) => readable(await get(`blobs/${digest}`, ["*/*"])),
  };
}

function readable(answer: Response): Response {
  if (answer.ok) return answer;
  throw new Unreadable(`the registry answered ${answer.status}`);
}

/** The token that a registry gives to anybody who asks, at the address it names itself. */
async function anonymousToken(ask: typeof fetch, challenge: string, name: ImageName): Promise<string> {
  const part = (key: string) => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1];
  const realm = part("realm");
  if (!/^Bearer\s/i.test(challenge) || realm === undefined) throw new Unreadable("the registry wants a login");
  const url = new URL(realm);
  url.searchParams.set("service", part("service") ?? "");
  url.searchParams.set("scope", part("scope") ?? `repository:${name.path}:pull`);
  const answer = readable(await ask(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }));
  const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
  return token ?? access_token ?? "";
}
