// What is loaded, and what it costs.
import { get } from "../api.js";
import { h, put } from "../dom.js";
import { card, empty, fact, head, tag } from "../parts.js";
import { bytes, count, dollars } from "../words.js";

const pricesOf = (model) => [
  ...(model.image_price === undefined ? [] : [["Price", `${dollars(model.image_price)} a picture`]]),
  ...(model.pricing ?? []).filter((tier) => tier.price_per_image !== model.image_price).map((tier) => [`Price at ${tier.resolution}`, `${dollars(tier.price_per_image)} a picture`]),
  ...(model.video_second_price === undefined ? [] : [["Price of video", `${dollars(model.video_second_price)} a second, ${dollars(model.video_second_price_720p)} at 720p`], ["Length of video", `up to ${count(model.max_video_seconds, "second")}`]]),
];

const STATES = { ready: ["good", "loaded"], starting: ["warn", "loading"], elsewhere: ["", "made on another machine"], failed: ["bad", "could not be loaded"] };

export const show = async (stage) => {
  const [{ data }, work] = await Promise.all([get("/v1/models"), get("/v1/workers")]);
  const talks = (model) => model.output_modalities.includes("text");
  const models = data.filter((model) => !talks(model));
  const talking = data.filter(talks);
  const memory = work.workers.reduce((total, worker) => total + worker.memoryBytes, 0);
  const guidance = { none: "has no effect", true: "true guidance, with a negative prompt", embedded: "built into the model" };
  put(stage, head("Models", "What this server makes pictures and videos with."),
    h("div", { cls: "stack" },
      h("div", { cls: "cards" }, fact("Models", String(models.length), "that requests may name"), fact("Memory of the workers", memory ? bytes(memory) : "–", "weights that lie in files count while they are in use")),
      models.length === 0 ? card(null, empty("No models", "Name one in the configuration: [models.NAME] path = …")) : models.map((model) => {
        const [kind, text] = STATES[model.status] ?? ["", model.status ?? "not known"];
        const facts = [...pricesOf(model), ["Other names", model.aliases.join(", ") || "none"], ["Steps", `up to ${model.max_steps}`],
          ["References", model.max_references ? `up to ${count(model.max_references, "picture")}` : "takes none"], ["Masks", model.masks ? "yes" : "no"],
          ["Guidance", guidance[model.guidance] ?? "not known yet"], ["Prompt", `up to ${count(model.context_length, "character")}`]];
        return card(null, h("div", { cls: "stack" }, h("div", { cls: "row spread" }, h("h2", null, model.id), tag(kind, text)),
          model.card && h("p", { cls: "quiet" }, model.card),
          h("dl", { cls: "cards small" }, facts.map(([name, value]) => h("div", null, h("dt", { cls: "quiet" }, name), h("dd", null, value))))));
      }),
      talking.length > 0 && card("Models that talk", h("p", { cls: "quiet" }, "On other servers, or in a pair with one that makes pictures."),
        h("ul", null, talking.map((model) => h("li", null, model.id, model.image_model && `, with pictures by ${model.image_model}`))))));
};
