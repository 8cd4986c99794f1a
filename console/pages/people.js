// Who looks after this team.
import { get, post } from "../api.js";
import { h, put } from "../dom.js";
import { card, dialog, field, form, head, secret, table } from "../parts.js";
import { moment } from "../words.js";

const ROLES = [["member", "sees everything of the team, makes pictures, asks for capacity"], ["admin", "also makes and changes keys and grants capacity"], ["owner", "also invites people and reads the audit log"]];

export const show = async (stage, { session }) => {
  const path = `/auth/teams/${encodeURIComponent(session.teamId)}/people`;
  const list = h("div");
  const load = async () => {
    const { people } = await get(path);
    put(list, card(null, table("People", [
      { name: "Name", cls: "wide", cell: (person) => [person.name, person.apiKeyId === session.personId && h("span", { cls: "quiet" }, " – you")] },
      { name: "Role", cell: (person) => person.role },
      { name: "May", cls: "wide", cell: (person) => ROLES.find(([role]) => role === person.role)?.[1] ?? "" },
      { name: "Since", cls: "time", cell: (person) => moment(person.createTime) }], people)),
    h("p", { cls: "hint" }, "To end somebody's access, on the server: imagined people delete ID"));
  };
  const invite = () => dialog("Invite somebody", (close) => form([
    field("Name", h("input", { name: "name", required: true, maxlength: 100 })),
    field("Role", h("select", { name: "role" }, ROLES.map(([role]) => h("option", null, role))), ROLES.map(([role, text]) => `${role}: ${text}`).join("; ")),
  ], "Make the invitation", async (data) => {
    const made = await post(path, Object.fromEntries(data));
    close();
    await load();
    secret(`Invitation of ${made.name}`, `Give this management key to ${made.name}, and nobody else. With it they choose a password on this console: “I was invited”.`, made.apiKey);
  }, close));
  put(stage, head("People", "Who can sign in here.", session.role === "owner" && h("button", { cls: "first", onclick: invite }, "Invite somebody")), list);
  await load();
};
