// A request, what comes of it, and the same request for programs.
import { events, get, here, post, request, root } from "../api.js";
import { samples } from "../code.js";
import { h, put, s, say } from "../dom.js";
import { blankPicture, card, copy, dialog, empty, field, head, tabs, toast, trouble } from "../parts.js";
import { count, dollars, seconds } from "../words.js";

const RATIOS = ["1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9"];
const RARE = ["5:2", "2:1", "1:2", "19.5:9", "9:19.5", "20:9", "9:20"];
const SAMPLES = ["a red house in the snow at night", "a cat left of a tree on the beach at sunset", "a rocket in space"];
const PREVIEWS = 3;

const size = (ratio) => ratio.split(":").map(Number);
const ratioTile = (ratio) => {
  const [w, h_] = size(ratio);
  const scale = Math.min(30 / w, 22 / h_);
  return h("i", { vars: { w: `${w * scale}px`, h: `${h_ * scale}px` } });
};

const choice = (name, legend, cls, options, chosen) => h("fieldset", null, h("legend", null, legend),
  h("div", { cls: `choice ${cls}` }, options.map(({ value, label }) => h("label", null,
    h("input", { type: "radio", name, value, checked: value === chosen }), h("span", null, label)))));

const asFile = async (url, name) => {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error("This picture is not there any more.");
  const blob = await reply.blob();
  return new File([blob], name, { type: blob.type });
};

const dataUrl = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(new Error(`${file.name} cannot be read.`));
  reader.readAsDataURL(file);
});

export const show = async (stage, { session, query }) => {
  const [{ data: models }, videos] = await Promise.all([get("/v1/models"),
    get("/v1/video-generation-models", { anonymous: true }).then((reply) => reply.models ?? [], () => [])]);
  const makes = (model, kind) => model.output_modalities?.includes(kind);
  const images = models.filter((model) => makes(model, "image") && !makes(model, "text"));
  let references = [];
  let working = null;

  /* What is asked for */
  const prompt = h("textarea", { name: "prompt", required: true, placeholder: "What should the picture show?", value: query.get("prompt") ?? "" });
  const seed = h("input", { name: "seed", inputmode: "numeric", pattern: "[0-9]*", placeholder: "another one each time", value: query.get("seed") ?? "" });
  const number = h("input", { name: "n", type: "number", min: 1, max: 10, value: 1, required: true });
  const rare = h("select", { name: "rare", "aria-label": "Other shapes" }, h("option", { value: "" }, "Other shapes…"), RARE.map((ratio) => h("option", null, ratio)));
  const go = h("button", { cls: "first big", type: "submit" }, "Make");
  const stop = h("button", { type: "button", cls: "big", hidden: true, onclick: () => working?.abort() }, "Stop");
  const price = h("p", { cls: "hint", "data-price": true });
  const wrong = h("div");
  const thumbs = h("ul", { cls: "thumbs" });
  const picker = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true, "aria-label": "Reference pictures", onchange: () => { take(picker.files); picker.value = ""; } });
  const drop = h("div", { cls: "drop" }, h("p", null, "Drop or paste pictures here, or ", h("button", { type: "button", cls: "link", onclick: () => picker.click() }, "choose files")), picker, thumbs);
  const form = h("form", null,
    h("div", null, h("label", { for: "prompt" }, "Prompt"), prompt),
    choice("model", "Model", "models", images.map((model) => ({ value: model.id, label: [model.id, h("small", null, `${dollars(model.image_price)} a picture`)] })), query.get("model") ?? images[0]?.id),
    choice("ratio", "Shape", "ratios", RATIOS.map((ratio) => ({ value: ratio, label: [ratioTile(ratio), ratio] })), "1:1"),
    rare,
    h("div", { cls: "fields" },
      choice("resolution", "Size", "", [{ value: "1k", label: "1k" }, { value: "1.5k", label: "1.5k" }, { value: "2k", label: "2k" }], "1k"),
      field("How many", number)),
    field("Seed", seed, "The same seed and request make the same picture."),
    h("fieldset", null, h("legend", null, "Reference pictures"), drop),
    h("div", { cls: "stack act" }, wrong, go, stop, price));
  prompt.id = "prompt";

  const value = (name) => new FormData(form).get(name);
  const model = () => images.find((each) => each.id === value("model")) ?? images[0];
  const wish = () => ({
    model: value("model"), prompt: prompt.value.trim(), n: Number(number.value) || 1,
    aspect_ratio: rare.value || value("ratio"), resolution: value("resolution"), seed: seed.value.trim(), references: references.length,
  });
  const each = () => model()?.pricing?.find((tier) => tier.resolution === value("resolution"))?.price_per_image ?? model()?.image_price ?? 0;

  /* What came of it */
  const wall = h("div", { cls: "wall one" });
  const result = h("div", { cls: "stage" }, wall);
  const code = tabs("The same request as code", Object.fromEntries(["curl", "Python openai", "Python requests", "Python xai-sdk", "TypeScript"].map((name) =>
    [name, () => h("pre", null, h("code", null, samples(root, { ...wish(), prompt: wish().prompt || SAMPLES[0] })[name]))])),
  (text) => h("button", { type: "button", cls: "copy", onclick: () => copy(text(), "Code") }, "Copy"));

  const blank = () => {
    wall.className = "";
    put(wall, h("div", { cls: "blank" }, blankPicture(), h("p", null, "Your pictures appear here. Try one of these:"),
      h("div", { cls: "row" }, SAMPLES.map((text) => h("button", { type: "button", onclick: () => { prompt.value = text; changed(); prompt.focus(); } }, text)))));
  };

  const changed = () => {
    const { n, references: given } = wish();
    const total = BigInt(each()) * BigInt(n);
    put(price, n === 1 ? "This picture will cost " : `These ${n} pictures will cost `, h("b", { cls: "number" }, dollars(total)),
      given > 0 ? ", and what the model asks for references." : ".");
    go.textContent = given > 0 ? (n === 1 ? "Edit" : `Edit, ${n} times`) : n === 1 ? "Make the picture" : `Make ${n} pictures`;
    const tab = code.querySelector("[aria-selected=true]");
    tab?.click();
  };

  const showReferences = () => {
    put(thumbs, references.map((file) => h("li", null, h("img", { src: file.shown, alt: file.name }),
      h("button", { type: "button", "aria-label": `Remove ${file.name}`, onclick: () => { references = references.filter((other) => other !== file); showReferences(); } }, "×"))));
    changed();
  };
  const take = (files) => {
    const most = model()?.max_references ?? 8;
    const pictures = [...files].filter((file) => file.type.startsWith("image/"));
    if (most === 0 && pictures.length > 0) return toast(`${model().id} takes no reference pictures.`);
    for (const file of pictures) {
      if (references.length >= most) { toast(`${model().id} takes ${count(most, "picture")} at most.`); break; }
      file.shown = URL.createObjectURL(file);
      references.push(file);
    }
    showReferences();
  };

  const plates = (wanted) => {
    wall.className = wanted.n === 1 ? "wall one" : "wall";
    const [w, h_] = size(wanted.aspect_ratio);
    const frames = Array.from({ length: wanted.n }, (_, i) => {
      const image = h("img", { alt: "", hidden: true });
      const frame = h("div", { cls: "frame waits", vars: { ratio: `${w} / ${h_}` } }, image);
      const plate = h("figcaption", { cls: "plate" }, h("span", { cls: "quiet" }, i === 0 ? "Waiting for its turn" : ""));
      return { image, frame, plate, figure: h("figure", { cls: "shown" }, frame, plate) };
    });
    put(wall, frames.map((each_) => each_.figure));
    return frames;
  };

  const finish = async (frames, done, wanted, ms) => {
    const made = await get(`/v1/teams/${encodeURIComponent(session.teamId)}/pictures?pageSize=${Math.max(20, wanted.n)}`).then((page) => page.pictures, () => []);
    const seen = new Map(made.map((picture) => [picture.id, picture]));
    done.forEach((event, i) => {
      const { plate } = frames[i];
      const id = event.url.match(/\/img\/([^./]+)/)?.[1];
      const row = seen.get(id);
      const link = here(event.url);
      const cost = BigInt(event.cost ?? 0);
      const file = `imagined-${id ?? i}.${event.output_format}`;
      put(plate, h("b", null, wanted.prompt),
        h("p", { cls: "facts" }, [wanted.model, event.size.replace("x", " × "), row && `seed ${row.seed}`, seconds(ms), row && dollars(row.costInUsdTicks)].filter(Boolean).join("  ·  ")),
        h("div", { cls: "row" },
          h("a", { cls: "button", href: link, download: file }, "Download"),
          h("button", { type: "button", onclick: async () => { take([await asFile(link, file)]); prompt.focus(); say("The picture is a reference now."); } }, "Edit this picture"),
          row && h("button", { type: "button", onclick: () => { seed.value = row.seed; changed(); toast("Seed kept: change the words and see what it does."); } }, "Keep seed"),
          videos.length > 0 && h("button", { type: "button", onclick: () => clip(link, file, wanted) }, "Make a clip")));
      plate.dataset.cost = String(cost);
    });
  };

  /** A film that begins with the picture. */
  const clip = (link, file, wanted) => dialog("Make a clip", (close) => {
    const model_ = videos.find((each_) => each_.id === wanted.model) ?? videos[0];
    const words = h("textarea", { name: "words", value: wanted.prompt });
    const length = h("input", { name: "duration", type: "number", min: 1, max: model_.max_video_seconds, value: 4, required: true });
    const place = h("div");
    return h("div", { cls: "stack" }, h("p", { cls: "quiet" }, "The picture is the first frame. What should happen in it?"), words,
      field("Seconds", length, `${dollars(model_.video_second_price)} each`), place,
      h("div", { cls: "row end" }, h("button", { onclick: close }, "Close"), h("button", {
        cls: "first", onclick: async ({ target }) => {
          target.disabled = true;
          try {
            const { request_id } = await post("/v1/videos/generations", { model: model_.id, prompt: words.value, duration: Number(length.value), image: { url: await dataUrl(await asFile(link, file)) } });
            for (let state = { status: "pending" }; ;) {
              put(place, h("p", { cls: "quiet", role: "status" }, state.progress ? `${state.progress} % done` : "Waiting for its turn"));
              await new Promise((wake) => setTimeout(wake, 1000));
              if (!place.isConnected) return;
              const reply = await request("GET", `/v1/videos/${request_id}`);
              state = JSON.parse(await reply.text() || "{}");
              if (state.status === "failed" || state.status === "expired") throw new Error(state.error?.message ?? "It came to nothing.");
              if (state.video?.respect_moderation === false) throw new Error("Moderation has kept the clip back.");
              if (state.status === "done") {
                put(place, h("video", { src: here(state.video.url), controls: true, autoplay: true, loop: true }),
                  h("p", { cls: "small quiet" }, state.usage && dollars(state.usage.cost_in_usd_ticks)));
                return;
              }
            }
          } catch (error) {
            put(place, trouble(error));
          } finally {
            target.disabled = false;
          }
        },
      }, "Make")));
  }, "picture");

  const make = async (event) => {
    event.preventDefault();
    const wanted = wish();
    put(wrong);
    if (!wanted.prompt) return prompt.focus();
    working = new AbortController();
    go.hidden = true;
    stop.hidden = false;
    const frames = plates(wanted);
    say(`Making ${count(wanted.n, "picture")}`);
    const started = performance.now();
    const ticking = setInterval(() => {
      const waiting = frames.find((each_) => each_.frame.classList.contains("waits"));
      if (waiting) put(waiting.plate, h("span", { cls: "quiet number" }, `${waiting.image.hidden ? "At work" : "A first sketch"}  ·  ${seconds(performance.now() - started)}`));
    }, 100);
    try {
      const body = { model: wanted.model, prompt: wanted.prompt, n: wanted.n, aspect_ratio: wanted.aspect_ratio, resolution: wanted.resolution, stream: true, partial_images: PREVIEWS };
      if (wanted.seed !== "") body.seed = Number(wanted.seed);
      if (references.length > 0) body.images = await Promise.all(references.map(async (file) => ({ url: await dataUrl(file) })));
      const reply = await request("POST", `/v1/images/${references.length > 0 ? "edits" : "generations"}`, body, { signal: working.signal });
      const done = [];
      for await (const told of events(reply)) {
        if (told.type === "error") throw new Error(told.error.message);
        const { image, frame, plate } = frames[told.image_index];
        image.src = `data:image/${told.output_format};base64,${told.b64_json}`;
        image.hidden = false;
        image.alt = wanted.prompt;
        const isDone = told.type.endsWith(".completed");
        frame.classList.toggle("rough", !isDone);
        frame.classList.toggle("waits", !isDone);
        if (!isDone) continue;
        const [w, h_] = told.size.split("x");
        frame.style.setProperty("--ratio", `${w} / ${h_}`);
        done[told.image_index] = { url: told.url, size: told.size, output_format: told.output_format, cost: told.usage?.cost_in_usd_ticks };
        put(plate, h("b", null, wanted.prompt));
      }
      await finish(frames, done, wanted, performance.now() - started);
      say(`${count(wanted.n, "picture")} made`);
    } catch (error) {
      blank();
      put(wrong, error.name === "AbortError" ? h("p", { cls: "note" }, "Stopped. What was not made is not charged.") : trouble(error));
    } finally {
      clearInterval(ticking);
      working = null;
      go.hidden = false;
      stop.hidden = true;
    }
  };

  form.addEventListener("submit", make);
  form.addEventListener("input", (event) => {
    if (event.target === rare && rare.value) for (const radio of form.elements.ratio) radio.checked = false;
    if (event.target.name === "ratio") rare.value = "";
    if (!rare.value && !value("ratio")) form.elements.ratio[0].checked = true;
    changed();
  });
  prompt.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files); });
  const paste = (event) => { if (event.clipboardData?.files.length > 0) { event.preventDefault(); take(event.clipboardData.files); } };
  document.addEventListener("paste", paste);

  put(stage, head("Playground", "Try a request and take it with you as code. Pictures made here are paid for like any other."),
    images.length === 0 ? empty("No model makes pictures", videos.length > 0 ? `${videos[0].id} makes videos, which programs ask for.` : "The server's log says why.")
      : h("div", { cls: "play" }, form, h("div", { cls: "stage" }, result, card("The same request as code", code))));
  blank();
  changed();
  if (query.get("edit")) take([await asFile(root + query.get("edit"), "picture.jpeg").catch((error) => (toast(error.message), new File([], "")))]);
  return () => { document.removeEventListener("paste", paste); working?.abort(); };
};
