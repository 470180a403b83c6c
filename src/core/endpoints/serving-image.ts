import { SERVING_PROGRAM } from "../../contract/replica.ts";
import type { ImagePlan } from "../environments/image-plan.ts";

const NODE = "public.ecr.aws/docker/library/node:24-bookworm-slim";
const HOME = "/opt/trainyard";
const LOADER = "ld-linux-x86-64.so.2";

/**
 * An environment's image with our serving program in front. `files`: the program's, by path. The program's Node brings its own loader and libraries,
 * so that it runs in any image for linux/amd64, whatever C library that has; the environment itself stays as it is.
 */
export function planServingImage(base: string, files: Readonly<Record<string, string>>): ImagePlan {
  const node = `${HOME}/node`;
  const entry = [`${node}/${LOADER}`, "--library-path", node, `${node}/node`, `${HOME}/${SERVING_PROGRAM}`];
  const dockerfile = `FROM ${NODE} AS node
RUN mkdir -p ${node} \\
 && cp /usr/local/bin/node ${node}/ \\
 && ldd /usr/local/bin/node | tr ' \\t' '\\n\\n' | grep '^/' | sort -u | while read -r file; do cp -L "$file" ${node}/; done \\
 && ${node}/${LOADER} --library-path ${node} ${node}/node --version
COPY . ${HOME}
RUN chmod -R a+rX ${HOME}

FROM ${base}
COPY --from=node ${HOME} ${HOME}
ENTRYPOINT ${JSON.stringify(entry)}
CMD []
`;
  return { dockerfile, files };
}
