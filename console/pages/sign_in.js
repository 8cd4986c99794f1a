// How one gets in: by name and password, by the token of a new server, or by the key of an invitation.
import { post, put as change } from "../api.js";
import { h, put } from "../dom.js";
import { dialog, field, form, secret, toast } from "../parts.js";

const name = (value) => h("input", { name: "name", required: true, maxlength: 100, autocomplete: "username", value });
const password = (kind) => h("input", { name: "password", type: "password", required: true, autocomplete: kind,
  ...(kind === "new-password" && { minlength: 15, maxlength: 256 }) });
const newPassword = () => field("A password", password("new-password"), "15 characters or more: a few words are easy to remember.");

const ways = {
  in: {
    title: "Sign in",
    about: "With the name and the password that you chose.",
    fields: () => [field("Name", name()), field("Password", password("current-password"))],
    verb: "Sign in",
    work: async (data) => post("/auth/session", { name: data.get("name"), password: data.get("password") }, { anonymous: true }),
  },
  first: {
    title: "Set up this server",
    about: "It has no owner yet. Its log shows a claim token: whoever can read the log may become the owner.",
    fields: () => [
      field("Claim token", h("input", { name: "token", required: true, autocomplete: "off", spellcheck: "false", placeholder: "claim_…" }),
        "Good once and for 15 minutes; a restart prints a new one."),
      field("Your name", name()), newPassword()],
    verb: "Become the owner",
    work: async (data) => {
      const begun = await post("/auth/first-owner", Object.fromEntries(data), { anonymous: true });
      return { ...begun, after: () => secret("Your management key", "For scripts that look after keys. It is shown this once; the console needs only your password.", begun.managementKey) };
    },
  },
  invited: {
    title: "Accept an invitation",
    about: "An owner has given you a management key. Choose how you will sign in from now on.",
    fields: () => [
      field("Management key", h("input", { name: "key", type: "password", required: true, autocomplete: "off" })),
      field("Your name", name()), newPassword()],
    verb: "Choose and sign in",
    work: async (data) => {
      const wish = { name: data.get("name"), password: data.get("password") };
      await change("/auth/password", wish, { anonymous: true, headers: { authorization: `Bearer ${data.get("key").trim()}` } });
      return post("/auth/session", wish, { anonymous: true });
    },
  },
};

const others = {
  in: [["first", "Set up a new server"], ["invited", "I was invited"]],
  first: [["in", "Sign in instead"]],
  invited: [["in", "Sign in instead"]],
};

export const show = (stage, enter, why) => {
  const open = (way) => {
    const { title, about, fields, verb, work } = ways[way];
    put(stage, h("main", { cls: "door" }, h("div", null,
      h("div", { cls: "brand" }, h("img", { src: "console/mark.svg", alt: "" }), "imagined"),
      h("div", { cls: "card" }, h("h1", null, title), h("p", { cls: "quiet" }, about),
        why && way === "in" && h("p", { cls: "note warn", role: "alert" }, why),
        h("div", { cls: "stack" }, h("span"), form(fields(), verb, async (data) => {
          const begun = await work(data);
          enter(begun);
          begun.after?.();
        }))),
      h("p", { cls: "row small" }, others[way].map(([next, text]) =>
        h("button", { cls: "link", "data-way": next, onclick: () => open(next) }, text))))));
    stage.querySelector(".door button.first").classList.add("big");
    stage.querySelector("input").focus();
  };
  open(location.hash === "#/welcome" ? "first" : "in");
};

export const changePassword = (session) => dialog("Change your password", (close) => [
  h("p", { cls: "quiet" }, "You are signed out everywhere and sign in again with the new one."),
  form([
    field("Name", name(session.name)),
    field("Password until now", h("input", { name: "currentPassword", type: "password", required: true, autocomplete: "current-password" })),
    newPassword(),
  ], "Change", async (data) => {
    await change("/auth/password", Object.fromEntries(data));
    close();
    toast("Your password is changed. Sign in with it.");
    setTimeout(() => location.reload(), 1200);
  }, close),
]);
