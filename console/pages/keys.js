// The keys of customers and programs.
import { all, get, post, put as change, remove, root } from "../api.js";
import { h, put } from "../dom.js";
import { ask, card, copy, dialog, empty, field, form, head, secret, table, tag, toast } from "../parts.js";
import { ago, moment, number } from "../words.js";

const SCOPES = [["api-key:endpoint:image", "Make and edit pictures, keep files"], ["api-key:endpoint:models", "List the models"]];

const state = (key, now = Date.now()) => key.disabled ? tag("", "Disabled")
  : key.expireTime && Date.parse(key.expireTime) <= now ? tag("bad", "Expired") : tag("good", "Active");

const limits = (key) => [key.qps && `${number(key.qps)} a second`, key.qpm && `${number(key.qpm)} a minute`, key.picturesPerDay && `${number(key.picturesPerDay)} pictures a day`,
  key.picturesPerMonth && `${number(key.picturesPerMonth)} pictures a month`, key.usdPerDay && `$${key.usdPerDay} a day`, key.usdPerMonth && `$${key.usdPerMonth} a month`].filter(Boolean).join(", ") || "The server's";

const scopes = (key) => {
  const names = key.aclStrings.filter((acl) => acl.startsWith("api-key:endpoint:")).map((acl) => acl.slice(17));
  const models = key.aclStrings.filter((acl) => acl.startsWith("api-key:model:")).map((acl) => acl.slice(14));
  return [names.includes("*") ? "Everything" : names.map((name) => name === "image" ? "Pictures" : "The list of models").join(", "),
    !models.includes("*") && models.length > 0 && `with ${models.join(", ")}`].filter(Boolean).join(" ");
};

const curl = (key) => `curl ${root}/v1/images/generations \\\n  -H "Authorization: Bearer ${key}" \\\n  -H "Content-Type: application/json" \\\n  -d '{"prompt": "a red house beside two trees at night"}'`;

export const show = async (stage, { session }) => {
  const team = encodeURIComponent(session.teamId);
  const may = session.role !== "member";
  const list = h("div");
  const { data: models } = await get("/v1/models");

  const fields = (key) => {
    const all_ = !key || key.aclStrings.includes("api-key:endpoint:*");
    const given = new Set(key?.aclStrings ?? []);
    const anyModel = !key || given.has("api-key:model:*");
    const input = (name, value, more) => h("input", { name, value: value ?? "", ...more });
    const whole = { inputmode: "numeric", pattern: "[0-9]*", placeholder: "the server's" };
    const money = { inputmode: "decimal", pattern: "[0-9]*(\\.[0-9]*)?", placeholder: "no limit" };
    return [
      field("Name", input("name", key?.name, { required: true, maxlength: 100, placeholder: "the website" })),
      h("fieldset", { cls: "stack" }, h("legend", null, "What it may do"), SCOPES.map(([acl, text]) =>
        h("label", { cls: "check" }, h("input", { type: "checkbox", name: "scope", value: acl, checked: all_ || given.has(acl) }), text))),
      h("fieldset", { cls: "stack" }, h("legend", null, "With which models"), models.map((model) =>
        h("label", { cls: "check" }, h("input", { type: "checkbox", name: "model", value: model.id, checked: anyModel || given.has(`api-key:model:${model.id}`) }), model.id))),
      h("div", { cls: "fields" }, field("Requests a second", input("qps", key?.qps, whole)), field("Requests a minute", input("qpm", key?.qpm, whole)),
        field("Pictures a day", input("picturesPerDay", key?.picturesPerDay, { ...whole, placeholder: "no limit" })), field("Pictures a month", input("picturesPerMonth", key?.picturesPerMonth, { ...whole, placeholder: "no limit" })),
        field("Dollars a day", input("usdPerDay", key?.usdPerDay, money)), field("Dollars a month", input("usdPerMonth", key?.usdPerMonth, money))),
      field("Good until", input("expireTime", key?.expireTime?.slice(0, 10), { type: "date" }), "Empty: until somebody ends it."),
    ];
  };
  const wishOf = (data) => {
    const chosen = data.getAll("scope"), named = data.getAll("model");
    if (chosen.length === 0 || named.length === 0) throw new Error("A key needs something that it may do, and a model to do it with.");
    const acls = [...(chosen.length === SCOPES.length ? ["api-key:endpoint:*"] : chosen), ...(named.length === models.length ? ["api-key:model:*"] : named.map((id) => `api-key:model:${id}`))];
    const whole = (name) => Number(data.get(name) || 0);
    const until = data.get("expireTime");
    return { name: data.get("name"), acls, qps: whole("qps"), qpm: whole("qpm"), picturesPerDay: whole("picturesPerDay"), picturesPerMonth: whole("picturesPerMonth"),
      usdPerDay: data.get("usdPerDay"), usdPerMonth: data.get("usdPerMonth"), expireTime: until ? `${until}T23:59:59Z` : null };
  };

  const shown = (made) => secret("Your new key", "This is the only time that it is shown. Keep it where your program finds it.", made.apiKey,
    h("div", { cls: "code" }, h("pre", null, h("code", null, `\n${curl(made.apiKey)}`)), h("div", { cls: "tabs" }, h("button", { cls: "copy", onclick: () => copy(curl(made.apiKey), "Command") }, "Copy the command"))));

  const create = () => dialog("New key", (close) => form(fields(), "Make the key", async (data) => {
    const made = await post(`/auth/teams/${team}/api-keys`, wishOf(data));
    close();
    await load();
    shown(made);
  }, close));

  const edit = (key) => dialog(`Change “${key.name}”`, (close) => form(fields(key), "Save", async (data) => {
    const wish = wishOf(data);
    await change(`/auth/api-keys/${key.apiKeyId}`, { apiKey: wish, fieldMask: Object.keys(wish).join(",") });
    close();
    await load();
    toast("The key is changed, from its next request on.");
  }, close));

  const rotate = (key) => dialog(`Rotate “${key.name}”`, (close) => [
    h("p", { cls: "quiet" }, "A new secret for the same key. The old one stays good for a while, so that programs can change over."),
    form([field("The old secret ends", h("select", { name: "hours" }, h("option", { value: "0" }, "at once"), h("option", { value: "1" }, "in an hour"), h("option", { value: "24", selected: true }, "in a day"), h("option", { value: "168" }, "in a week")))],
      "Rotate", async (data) => {
        const until = new Date(Date.now() + Number(data.get("hours")) * 3_600_000 + 1000).toISOString();
        const made = await post(`/auth/api-keys/${key.apiKeyId}/rotate`, { oldSecretExpireTime: until });
        close();
        await load();
        shown(made);
      }, close)]);

  const toggle = async (key) => {
    await change(`/auth/api-keys/${key.apiKeyId}`, { apiKey: { disabled: !key.disabled }, fieldMask: "disabled" });
    await load();
    toast(key.disabled ? "The key works again." : "The key is disabled: requests with it are refused.");
  };

  const load = async () => {
    const keys = await all(`/auth/teams/${team}/api-keys?pageSize=1000`, "apiKeys", "paginationToken", "paginationToken");
    put(list, keys.length === 0
      ? card(null, empty("No keys yet", "A key lets a program make pictures and pay for them. On the command line: imagined keys create --name NAME", may && h("button", { cls: "first", onclick: create }, "Make the first key")))
      : card(null, table("Keys", [
        { name: "Name", cls: "wide", cell: (key) => [key.name, h("div", { cls: "mono quiet" }, key.redactedApiKey)] },
        { name: "State", cell: (key) => state(key) },
        { name: "May", cell: scopes },
        { name: "Limits", cell: limits },
        { name: "Good until", cls: "time", cell: (key) => key.expireTime ? moment(key.expireTime) : "–" },
        { name: "Last used", cls: "time", cell: (key) => key.lastUseTime ? h("time", { datetime: key.lastUseTime, title: key.lastUseTime }, ago(key.lastUseTime)) : "never" },
        ...(may ? [{ name: "", cell: (key) => h("div", { cls: "row" },
          h("button", { cls: "plain", onclick: () => edit(key), "aria-label": `Change ${key.name}` }, "Change"),
          h("button", { cls: "plain", onclick: () => rotate(key), "aria-label": `Rotate ${key.name}` }, "Rotate"),
          h("button", { cls: "plain", onclick: () => toggle(key).catch((error) => toast(error.message)), "aria-label": `${key.disabled ? "Enable" : "Disable"} ${key.name}` }, key.disabled ? "Enable" : "Disable"),
          h("button", { cls: "plain bad", "aria-label": `Delete ${key.name}`, onclick: () => ask(`Delete “${key.name}”?`, "It ends for ever: whoever uses it is refused. What it has made and cost stays.", "Delete", async () => {
            await remove(`/auth/api-keys/${key.apiKeyId}`);
            await load();
            toast("The key is deleted.");
          }) }, "Delete")) }] : [])], keys)));
  };

  put(stage, head("Keys", "One for each program, so that each can be limited, watched and ended by itself.", may && h("button", { cls: "first", onclick: create }, "New key")), list);
  await load();
};
