// What was not let pass.
import { all, get } from "../api.js";
import { h, put } from "../dom.js";
import { card, empty, head, table, tag } from "../parts.js";
import { moment } from "../words.js";

export const show = async (stage, { session }) => {
  const team = encodeURIComponent(session.teamId);
  const [{ events }, keys, people] = await Promise.all([get(`/v1/teams/${team}/blocked?pageSize=500`), all(`/auth/teams/${team}/api-keys?pageSize=1000`, "apiKeys", "paginationToken", "paginationToken"), get(`/auth/teams/${team}/people`)]);
  const names = new Map([...keys.map((key) => [key.apiKeyId, key.name]), ...people.people.map((person) => [person.apiKeyId, `${person.name} (console)`])]);
  put(stage, head("Moderation", "Requests that the rules did not let pass. What was asked for is not kept here; the server's log names the rule and the hash of the prompt, and the prompt itself only where the policy says logs_prompts = true."),
    card(null, events.length === 0 ? empty("Nothing was blocked", "Requests that break the policy of this server or team are listed here.") : table("Blocked requests, newest first", [
      { name: "When", cls: "time", cell: (each) => moment(each.time) },
      { name: "What", cell: (each) => each.outcome === "prompt_blocked" ? tag("warn", "The request") : tag("bad", "The finished picture") },
      { name: "Why", cls: "wide", cell: (each) => each.message || "–" },
      { name: "Key", cell: (each) => names.get(each.keyId) ?? each.keyId },
      { name: "User", cell: (each) => each.user || "–" },
      { name: "Model", cell: (each) => each.model }], events)));
};
