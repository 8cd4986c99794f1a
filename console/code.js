// The request of the playground as programs would make it.

const quoted = (text) => JSON.stringify(text);
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** `wish`: model, prompt, n, aspect_ratio, resolution, seed, references (how many). */
export const samples = (root, wish) => {
  const edits = wish.references > 0;
  const base = `${root}/v1`;
  const { hostname } = new URL(root);
  const host = hostname === "127.0.0.1" ? "localhost" : hostname;
  const given = Array.from({ length: wish.references }, (_, i) => `reference-${i + 1}.png`);
  const own = { aspect_ratio: wish.aspect_ratio, resolution: wish.resolution, ...(wish.seed !== "" && { seed: Number(wish.seed) }) };
  const plain = { model: wish.model, prompt: wish.prompt, n: wish.n, ...own };
  const path = edits ? "edits" : "generations";
  const python = (indent, entries) => entries.map(([key, value]) => `${indent}${key}=${typeof value === "string" ? quoted(value) : value},`).join("\n");
  const dict = (value, indent) => JSON.stringify(value, null, 4).replaceAll("\n", `\n${indent}`);

  const curl = edits
    ? [`curl ${base}/images/edits \\`, `  -H "Authorization: Bearer $IMAGINED_KEY" \\`,
      ...Object.entries(plain).map(([key, value]) => `  -F ${shell(`${key}=${value}`)} \\`),
      given.map((file) => `  -F 'image[]=@${file}'`).join(" \\\n")].join("\n")
    : [`curl ${base}/images/generations \\`, `  -H "Authorization: Bearer $IMAGINED_KEY" \\`,
      `  -H "Content-Type: application/json" \\`, `  -d ${shell(JSON.stringify(plain, null, 2))}`].join("\n");

  const opened = given.map((file) => `open(${quoted(file)}, "rb")`).join(", ");
  const openai = `import os
from openai import OpenAI

client = OpenAI(base_url=${quoted(base)}, api_key=os.environ["IMAGINED_KEY"])
made = client.images.${edits ? "edit" : "generate"}(
${python("    ", Object.entries({ model: wish.model, prompt: wish.prompt, n: wish.n }))}
${edits ? `    image=[${opened}],\n` : ""}    extra_body=${dict(own, "    ")},
)
for picture in made.data:
    print(picture.url)`;

  const requests = `import os
import requests

made = requests.post(
    ${quoted(`${base}/images/${path}`)},
    headers={"Authorization": f"Bearer {os.environ['IMAGINED_KEY']}"},
${edits ? `    data=${dict(plain, "    ")},\n    files=[${given.map((file) => `("image[]", open(${quoted(file)}, "rb"))`).join(", ")}],`
    : `    json=${dict(plain, "    ")},`}
    timeout=300,
)
made.raise_for_status()
for picture in made.json()["data"]:
    print(picture["url"])`;

  const urls = given.map((file) => quoted(`https://example.com/${file}`));
  const xai = `import os
import xai_sdk

# gRPC: the port that the server prints as "grpc"; 50051 unless it was told another
${wish.seed !== "" ? "# xai-sdk has no argument for the seed: this one is left out\n" : ""}client = xai_sdk.Client(api_key=os.environ["IMAGINED_KEY"], api_host=${quoted(`${host}:50051`)})
made = client.image.sample_batch(
    ${quoted(wish.prompt)},
    ${quoted(wish.model)},
    n=${wish.n},
    aspect_ratio=${quoted(wish.aspect_ratio)},
    resolution=${quoted(wish.resolution)},
${edits ? `    ${urls.length === 1 ? `image_url=${urls[0]}` : `image_urls=[${urls.join(", ")}]`},\n` : ""})
for picture in made:
    print(picture.url)`;

  const typescript = `import OpenAI${edits ? ", { toFile }" : ""} from "openai";
${edits ? `import { createReadStream } from "node:fs";\n` : ""}
const client = new OpenAI({ baseURL: ${quoted(base)}, apiKey: process.env.IMAGINED_KEY });
const made = await client.images.${edits ? "edit" : "generate"}({
  model: ${quoted(wish.model)},
  prompt: ${quoted(wish.prompt)},
  n: ${wish.n},
${edits ? `  image: await Promise.all([${given.map(quoted).join(", ")}].map((name) => toFile(createReadStream(name), name))),\n` : ""}  // @ts-expect-error: of the Grok Imagine API, beside what OpenAI's has
${Object.entries(own).map(([key, value]) => `  ${key}: ${JSON.stringify(value)},`).join("\n")}
});
for (const picture of made.data ?? []) console.log(picture.url);`;

  return { curl, "Python openai": openai, "Python requests": requests, "Python xai-sdk": xai, TypeScript: typescript };
};
