// Who is signed in, which page is shown, and the frame around it.
import { get, keepSession, onSignedOut, remove } from "./api.js";
import { h, put, say } from "./dom.js";
import { trouble } from "./parts.js";

const PAGES = [
  ["Make", [["playground", "Playground"], ["gallery", "Gallery"]]],
  ["Spend", [["usage", "Usage"], ["limits", "Limits and capacity"]]],
  ["Access", [["keys", "Keys"], ["people", "People"]]],
  ["Watch", [["jobs", "Jobs and workers"], ["models", "Models"], ["moderation", "Moderation"], ["audit", "Audit"]]],
];
const TITLES = Object.fromEntries(PAGES.flatMap(([, links]) => links));

const app = document.getElementById("app");
let session = null;
let main = null;
let leave = () => {};
let turn = 0; // a page that comes late must not take another's place

const place = () => {
  const [name, query] = location.hash.replace(/^#\//, "").split("?");
  return { name: name in TITLES ? name : "playground", query: new URLSearchParams(query) };
};

/** The same page under another address, without going through it again. */
const remember = (query) => {
  const text = new URLSearchParams([...query].filter(([, value]) => value)).toString();
  history.replaceState(null, "", `#/${place().name}${text && `?${text}`}`);
};

const shell = () => {
  const rail = h("header", { cls: "rail" });
  const links = PAGES.map(([group, pages]) => h("div", null, h("p", null, group),
    h("ul", null, pages.map(([name, title]) => h("li", null, h("a", { href: `#/${name}`, "data-page": name }, title))))));
  main = h("main", { id: "main", tabindex: -1 });
  const menu = h("button", {
    cls: "menu", "aria-expanded": "false",
    onclick: () => menu.setAttribute("aria-expanded", rail.classList.toggle("open")),
  }, "Menu");
  put(rail, h("a", { cls: "brand", href: "#/playground" }, h("img", { src: "console/mark.svg", alt: "" }), "imagined"), menu,
    h("nav", { "aria-label": "Pages" }, links),
    h("div", { cls: "who" }, h("b", null, session.name),
      h("span", { cls: "quiet" }, `${session.role} of team ${session.teamId}`),
      h("div", { cls: "row" }, h("button", { cls: "link", onclick: () => changePassword() }, "Password"),
        h("button", { cls: "link", onclick: signOut }, "Sign out"))));
  put(app, h("a", { cls: "skip", href: "#main", onclick: (event) => { event.preventDefault(); main.focus(); } }, "Skip to the page"),
    h("div", { cls: "shell" }, rail, main));
};

const changePassword = async () => (await import("./pages/sign_in.js")).changePassword(session);

const signOut = async () => {
  await remove("/auth/session").catch(() => {});
  door();
};

const show = async (isFirst) => {
  if (!session) return;
  const { name, query } = place();
  const mine = ++turn;
  leave();
  leave = () => {};
  document.querySelector(".rail").classList.remove("open");
  document.querySelector(".menu").setAttribute("aria-expanded", "false");
  for (const link of document.querySelectorAll(".rail nav a"))
    link.dataset.page === name ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  document.title = `${TITLES[name]} · imagined`;
  const stage = h("div", { "data-page": name });
  put(main, stage);
  if (!isFirst) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
    say(TITLES[name]);
  }
  try {
    const page = await import(`./pages/${name}.js`);
    const gone = await page.show(stage, { session, query, remember });
    if (mine === turn) leave = gone ?? leave;
    else gone?.();
  } catch (error) {
    if (mine === turn) put(stage, trouble(error));
  }
  stage.dataset.ready = "";
};

const door = async (why) => {
  session = null;
  keepSession(null);
  leave();
  leave = () => {};
  turn += 1;
  document.querySelectorAll("dialog").forEach((box) => box.close());
  const { show: showDoor } = await import("./pages/sign_in.js");
  document.title = "Sign in · imagined";
  showDoor(app, enter, why);
};

const enter = (begun) => {
  session = begun;
  keepSession(begun);
  shell();
  show(true);
};

onSignedOut((error) => { if (session) door(error.message); });
addEventListener("hashchange", () => show(false));

get("/auth/session", { anonymous: true }).then(enter, (error) => door(error.status === 401 ? "" : error.message));
