// Who did what.
import { all, get } from "../api.js";
import { h, put } from "../dom.js";
import { card, empty, head, table } from "../parts.js";
import { moment } from "../words.js";

const WORDS = { "key.create": "made", "key.change": "changed", "key.rotate": "rotated", "key.revoke": "deleted", "key.disable": "disabled", "key.enable": "enabled", "capacity.ask": "asked for more for",
  "capacity.grant": "granted more to", "capacity.deny": "denied more to", "session.begin": "signed in", "session.end": "signed out", "password.set": "chose a password", "team.spending_limit": "set the spending limit of" };
const ABOUT_SELF = new Set(["session.begin", "session.end", "password.set"]);

export const show = async (stage, { session }) => {
  const team = encodeURIComponent(session.teamId);
  const title = head("Audit", "Who did what to keys and people. Each row carries the hash of the one before it, so that none can be changed or taken out unseen.");
  if (session.role !== "owner") return void put(stage, title, card(null, empty("Only owners read the audit log", `You are signed in with the role ${session.role}.`)));
  const [events, keys, people] = await Promise.all([all(`/audit/teams/${team}/events?pageSize=1000`, "events"), all(`/auth/teams/${team}/api-keys?pageSize=1000`, "apiKeys", "paginationToken", "paginationToken"), get(`/auth/teams/${team}/people`)]);
  const names = new Map([...keys, ...people.people].map((each) => [`key:${each.apiKeyId}`, each.name]));
  const rows = events.reverse().map((event) => {
    const [action, target, ...detail] = event.description.split(" ");
    return { ...event, action, target, detail: detail.join(" ") };
  });
  put(stage, title, card(null, rows.length === 0 ? empty("Nothing yet", "") : table("Audit log, newest first", [
    { name: "When", cls: "time", cell: (row) => moment(row.eventTime) },
    { name: "Who", cell: (row) => names.get(row.user.userId) ?? row.user.userId },
    { name: "What", cls: "wide", cell: (row) => [h("b", null, WORDS[row.action] ?? row.action), !ABOUT_SELF.has(row.action) && ` ${names.get(row.target) ?? row.target}`, row.detail && h("div", { cls: "mono quiet" }, row.detail)] },
    { name: "Request", cell: (row) => h("span", { cls: "mono quiet", title: row.requestId }, row.requestId.slice(0, 8) || "–") }], rows.slice(0, 500))));
};
