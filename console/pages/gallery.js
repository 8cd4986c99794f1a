// The pictures of the team, by day.
import { get, here, post, remove as erase } from "../api.js";
import { h, put, say } from "../dom.js";
import { ask, copy, dialog, empty, head, toast } from "../parts.js";
import { bytes, clock, count, day, dayKey, dollars, moment, seconds } from "../words.js";

const PAGE = 60;

export const show = async (stage, { session, query, remember }) => {
  const team = `/v1/teams/${encodeURIComponent(session.teamId)}`;
  let search = query.get("search") ?? "";
  let asked = 0;
  const list = h("div");
  const more = h("div", { cls: "empty" });

  const names = new Map([[session.personId, "you"]]);
  const who = (id) => names.get(id) ?? id;
  get(`/auth/teams/${encodeURIComponent(session.teamId)}/api-keys?pageSize=1000`).then(({ apiKeys }) => apiKeys.forEach((key) => names.set(key.apiKeyId, key.name)), () => {});

  const isClip = (picture) => picture.format === "mp4";
  const view = (picture, alt, playing) => isClip(picture)
    ? h("video", { src: here(picture.url), "aria-label": alt || "A clip", controls: playing, autoplay: playing, loop: true, preload: "metadata" })
    : h("img", { src: here(picture.url), alt, loading: playing ? "eager" : "lazy", decoding: "async" });

  const open = (picture, tile) => dialog(isClip(picture) ? "Clip" : "Picture", (close) => {
    const link = here(picture.url);
    const file = `imagined-${picture.id}.${picture.format}`;
    const facts = [["Made", moment(picture.createTime)], ["By", who(picture.keyId)], ["Model", picture.model], ["Size", `${picture.width} × ${picture.height}`],
      ...(isClip(picture) ? [["Length", seconds(picture.durationMs)]] : []),
      ["File", `${picture.format}, ${bytes(picture.sizeBytes)}`], ["Seed", picture.seed], ["Price", dollars(picture.costInUsdTicks)]];
    return h("div", { cls: "opened" }, view(picture, picture.prompt || "A picture whose prompt is not kept", true),
      h("div", { cls: "stack" }, h("p", null, picture.prompt || h("span", { cls: "quiet" }, "Its prompt is not kept.")),
        h("dl", { cls: "list" }, facts.map(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
        h("div", { cls: "row" },
          h("a", { cls: "button", href: link, download: file }, "Download"),
          h("button", { onclick: () => copy(picture.url, "Link") }, "Copy link"),
          !isClip(picture) && h("a", { cls: "button", onclick: close, href: `#/playground?${new URLSearchParams({ edit: new URL(picture.url).pathname + new URL(picture.url).search, prompt: picture.prompt, model: picture.model })}` }, "Edit"),
          !isClip(picture) && h("a", { cls: "button", onclick: close, href: `#/playground?${new URLSearchParams({ prompt: picture.prompt, model: picture.model, seed: picture.seed })}` }, "Make again")),
        h("div", { cls: "row" },
          h("button", { onclick: () => ask("Revoke links?", "Every link to this picture that was given away stops working. The picture stays, under a new link.", "Revoke links", async () => {
            Object.assign(picture, await post(`${team}/pictures/${picture.id}/revoke-links`));
            close();
            toast("Old links lead to nothing now.");
          }) }, "Revoke links"),
          h("button", { cls: "bad", onclick: () => ask("Delete this picture?", "It is gone for ever, and so is every link to it. What it has cost stays in the books.", "Delete", async () => {
            await erase(`${team}/pictures/${picture.id}`);
            close();
            tile.remove();
            toast("The picture is deleted.");
          }) }, "Delete")),
        h("div", { cls: "row end" }, h("button", { cls: "first", onclick: close }, "Close"))));
  }, "picture");

  const add = (pictures) => {
    for (const picture of pictures) {
      const key = dayKey(picture.createTime);
      let group = list.querySelector(`[data-day="${key}"]`);
      if (!group) {
        group = h("ul", { cls: "gallery", "data-day": key });
        list.append(h("h2", { cls: "dayhead" }, day(picture.createTime)), group);
      }
      const tile = h("li", null, h("button", { onclick: () => open(picture, tile) },
        h("div", { cls: "frame" }, view(picture, "", false)),
        h("span", { cls: "words" }, picture.prompt || "Without words"),
        h("span", { cls: "facts" }, `${clock(picture.createTime)}  ·  ${picture.width} × ${picture.height}`)));
      group.append(tile);
    }
  };

  const load = async (place = "") => {
    const mine = ++asked;
    const page = await get(`${team}/pictures?${new URLSearchParams({ pageSize: PAGE, search, pageToken: place })}`);
    if (mine !== asked) return;
    if (!place) put(list);
    add(page.pictures);
    const isEmpty = !list.hasChildNodes();
    put(more, isEmpty && (search ? empty("No picture has these words in its prompt", `Nothing is found for “${search}”.`)
      : empty("No pictures yet", "What your team makes is kept here, newest first.", h("a", { cls: "button", href: "#/playground" }, "Make the first"))),
    page.nextPageToken && h("button", { onclick: () => load(page.nextPageToken) }, "Show older pictures"));
    say(isEmpty ? "No pictures" : count(page.pictures.length, "picture"));
  };

  let typing;
  put(stage, head("Gallery", "Everything that your team has made and that is kept.",
    h("input", { type: "search", cls: "search", "aria-label": "Search in prompts", placeholder: "Search in prompts", value: search, oninput: ({ target }) => {
      clearTimeout(typing);
      typing = setTimeout(() => { search = target.value.trim(); remember([["search", search]]); load(); }, 200);
    } })), list, more);
  await load();
  return () => clearTimeout(typing);
};
