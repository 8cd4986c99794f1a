// How much may be asked for, what was refused, and how to get more.
import { all, get, post } from "../api.js";
import { h, put } from "../dom.js";
import { card, dialog, empty, fact, field, form, head, table, tag, toast } from "../parts.js";
import { ago, count, number } from "../words.js";

const asked = ({ qps, qpm }) => [qps && `${number(qps)} a second`, qpm && `${number(qpm)} a minute`].filter(Boolean).join(", ");

export const show = async (stage, { session }) => {
  const team = encodeURIComponent(session.teamId);
  const may = session.role !== "member";
  const body = h("div", { cls: "stack" });

  const request = (key) => dialog(`More for “${key.name}”`, (close) => [
    h("p", { cls: "quiet" }, "Somebody with the role admin or owner decides. What is granted is at most what the workers were seen to make."),
    form([h("div", { cls: "fields" }, field("Requests a second", h("input", { name: "qps", inputmode: "numeric", pattern: "[0-9]*" })), field("Requests a minute", h("input", { name: "qpm", inputmode: "numeric", pattern: "[0-9]*" }))),
      field("Why", h("input", { name: "reason", maxlength: 500, placeholder: "A launch on Monday" }))],
    "Ask for it", async (data) => {
      const wish = { reason: data.get("reason") };
      for (const name of ["qps", "qpm"]) if (data.get(name)) wish[name] = Number(data.get(name));
      await post(`/auth/api-keys/${key.apiKeyId}/capacity-request`, wish);
      close();
      await load();
      toast("Asked. It waits for somebody to decide.");
    }, close)]);

  const decide = async (key, verb) => {
    try {
      await post(`/auth/api-keys/${key.apiKeyId}/capacity-request/${verb}`);
      await load();
      toast(verb === "grant" ? `“${key.name}” has more from its next request on.` : `“${key.name}” stays as it is.`);
    } catch (error) {
      toast(error.message);
    }
  };

  const choices = (key) => {
    if (!may) return h("span", { cls: "quiet small" }, "An admin decides");
    const own = key.capacityRequest.askedBy === `key:${session.personId}`;
    return h("div", { cls: "row" },
      own ? h("span", { cls: "quiet small" }, "Somebody else decides") : h("button", { cls: "first", onclick: () => decide(key, "grant"), "aria-label": `Grant ${key.name}` }, "Grant"),
      h("button", { onclick: () => decide(key, "deny"), "aria-label": `${own ? "Take back" : "Deny"} ${key.name}` }, own ? "Take back" : "Deny"));
  };

  const load = async () => {
    const [keys, people, { rates }, { refusals }] = await Promise.all([all(`/auth/teams/${team}/api-keys?pageSize=1000`, "apiKeys", "paginationToken", "paginationToken"),
      get(`/auth/teams/${team}/people`), get(`/v1/billing/teams/${team}/budgets`), get(`/v1/teams/${team}/refusals`)]);
    const names = new Map([...keys.map((key) => [key.apiKeyId, key.name]), ...people.people.map((person) => [person.apiKeyId, `${person.name} (console)`])]);
    const open = keys.filter((key) => key.capacityRequest);
    const times = new Map();
    for (const each of refusals) times.set(each.keyId, (times.get(each.keyId) ?? 0) + 1);
    put(body,
      h("div", { cls: "cards" }, fact("A key may make", `${number(rates.qps)} a second`, "for one model, unless it has a limit of its own"),
        fact("and at most", `${number(rates.qpm)} a minute`, "in any 60 seconds, not by the clock's minute"),
        fact("Refused", number(refusals.length), "since this server started")),
      open.length > 0 && card("Waiting for a decision", table("Requests for more capacity", [
        { name: "Key", cls: "wide", cell: (key) => key.name },
        { name: "Has", cell: (key) => `${number(key.qps ?? rates.qps)} a second, ${number(key.qpm ?? rates.qpm)} a minute` },
        { name: "Asks for", cell: (key) => h("b", null, asked(key.capacityRequest)) },
        { name: "Why", cls: "wide", cell: (key) => key.capacityRequest.reason || "–" },
        { name: "Since", cls: "time", cell: (key) => ago(key.capacityRequest.createTime) },
        { name: "", cell: (key) => choices(key) }], open)),
      card("What holds for each key", keys.length === 0 ? empty("No keys yet", "Limits belong to keys.", h("a", { cls: "button", href: "#/keys" }, "Make a key")) : table("Limits of each key", [
        { name: "Key", cls: "wide", cell: (key) => key.name },
        { name: "A second", cls: "right", cell: (key) => [number(key.qps ?? rates.qps), !key.qps && h("span", { cls: "quiet" }, " (the server's)")] },
        { name: "A minute", cls: "right", cell: (key) => [number(key.qpm ?? rates.qpm), !key.qpm && h("span", { cls: "quiet" }, " (the server's)")] },
        { name: "Refused", cls: "right", cell: (key) => times.get(key.apiKeyId) ? tag("warn", count(times.get(key.apiKeyId), "time")) : "–" },
        { name: "", cell: (key) => h("div", { cls: "row" }, h("button", { onclick: () => request(key), "aria-label": `Ask for more for ${key.name}` }, key.capacityRequest ? "Ask for something else" : "Ask for more")) }], keys)),
      refusals.length > 0 && card("What was refused lately", table("Refused requests", [
        { name: "When", cls: "time", cell: (each) => ago(each.time) },
        { name: "Key", cell: (each) => names.get(each.keyId) ?? each.keyId },
        { name: "Model", cell: (each) => each.model },
        { name: "What the program was told", cls: "wide", cell: (each) => each.message }], refusals.slice(0, 50))));
  };
  put(stage, head("Limits and capacity", "What may be asked for now, what was too much, and how to get more."), body);
  await load();
};
