// The API, asked as whoever is signed in. The cookie is the browser's; the token against forged requests is
// ours to send.

export const root = new URL("..", import.meta.url).href.replace(/\/$/, "");

let csrf = "";
let signedOut = () => {};

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.field = body?.error?.param ?? "";
    this.requestId = body?.request_id ?? "";
  }
}

export const onSignedOut = (call) => { signedOut = call; };
export const keepSession = (session) => { csrf = session?.csrfToken ?? ""; };

/** The reply itself; an error is thrown. */
export const request = async (method, path, body, options = {}) => {
  const headers = { ...options.headers };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET" && csrf) headers["x-csrf-token"] = csrf;
  let reply;
  try {
    reply = await fetch(root + path, {
      method, headers, signal: options.signal, credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { error: { message: "The server does not answer. Is it running?" } });
  }
  if (reply.ok) return reply;
  const error = new ApiError(reply.status, await reply.json().catch(() => null));
  if (reply.status === 401 && !options.anonymous) signedOut(error);
  throw error;
};

export const get = async (path, options) => (await request("GET", path, undefined, options)).json();
export const post = async (path, body, options) => (await request("POST", path, body, options)).json();
export const put = async (path, body, options) => (await request("PUT", path, body, options)).json();
export const remove = async (path) => (await request("DELETE", path)).json();

/** All rows of a list that comes in pages. */
export const all = async (path, rows, token = "pageToken", next = "nextPageToken") => {
  const found = [];
  for (let place = ""; ;) {
    const page = await get(path + (path.includes("?") ? "&" : "?") + (place && `${token}=${encodeURIComponent(place)}`));
    found.push(...page[rows]);
    place = page[next];
    if (!place) return found;
  }
};

/** The events of a streamed reply, as they come: [type, data]. */
export async function* events(reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split("\n");
      const data = lines.find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}

/** A link of the server's as this page reaches it, whatever name the server gives itself. */
export const here = (url) => {
  const { pathname, search } = new URL(url);
  const at = pathname.indexOf("/v1/files/");
  return root + pathname.slice(Math.max(at, 0)) + search;
};
