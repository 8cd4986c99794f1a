// The few things that every page is made of.
import { h, put, s, say } from "./dom.js";

export const head = (title, about, ...actions) =>
  h("header", { cls: "head" }, h("div", null, h("h1", null, title), about && h("p", null, about)),
    actions.length > 0 && h("div", { cls: "row" }, actions));

export const card = (title, ...children) => h("section", { cls: "card" }, title && h("h2", null, title), children);

export const fact = (name, value, more) =>
  h("dl", { cls: "card fact" }, h("dt", null, name), h("dd", null, value), more && h("dd", { cls: "small" }, more));

export const tag = (kind, text) => h("span", { cls: `tag ${kind}` }, text);

export const empty = (title, text, ...more) =>
  h("div", { cls: "empty" }, h("b", null, title), text && h("p", null, text), more);

/** A part of a whole, for eyes and for readers. */
export const bar = (used, limit, name) => {
  const part = limit > 0 ? Math.min(1, Number(used) / Number(limit)) : 0;
  return h("div", {
    cls: `bar ${part >= 1 ? "bad" : part >= 0.8 ? "warn" : ""}`, role: "meter", "aria-label": name,
    "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(part * 100),
  }, h("i", { vars: { part: `${part * 100}%` } }));
};

/** `columns`: [{ name, cls, cell(row) }]; the first is what a row is called. */
export const table = (caption, columns, rows) =>
  h("div", { cls: "table", tabindex: 0, role: "region", "aria-label": caption },
    h("table", { cls: "folds" }, h("caption", { cls: "unseen" }, caption),
      h("thead", null, h("tr", null, columns.map((column) =>
        h("th", { scope: "col", cls: column.cls }, column.name || h("span", { cls: "unseen" }, "Actions"))))),
      h("tbody", null, rows.map((row) => h("tr", null, columns.map((column, place) =>
        h("td", { cls: `${column.cls ?? ""}${place === 0 ? " lead" : ""}`, "data-name": column.name || null },
          h("span", null, column.cell(row)))))))));

let leaving;
export const toast = (text) => {
  document.querySelector(".toast")?.remove();
  clearTimeout(leaving);
  const shown = h("div", { cls: "toast", "aria-hidden": true }, text);
  (document.querySelector("dialog[open]") ?? document.body).append(shown);
  say(text);
  leaving = setTimeout(() => shown.remove(), 4000);
};

export const copy = async (text, what) => {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    toast("The browser does not let this page copy. Mark the text and copy it.");
  }
};

/** Shows why something did not work, beside where it was asked for. */
export const trouble = (error) => h("p", { cls: "note bad", role: "alert" }, error.message);

/** A dialog that is gone when it closes; `fill(close)` gives its contents. */
export const dialog = (title, fill, cls) => {
  const box = h("dialog", { cls, "aria-labelledby": "dialog-title" });
  const close = () => box.close();
  put(box, h("h2", { id: "dialog-title" }, title), fill(close));
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => { if (event.target === box) close(); });
  document.body.append(box);
  box.showModal();
  return close;
};

/** A form that asks `work` and says what was wrong; `fields` are put before its buttons. */
export const form = (fields, verb, work, close) => {
  const wrong = h("div");
  const button = h("button", { cls: "first", type: "submit" }, verb);
  return h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      put(wrong);
      try {
        await work(new FormData(event.target), event.target);
      } catch (error) {
        put(wrong, trouble(error));
        event.target.elements[error.field]?.focus();
      } finally {
        button.disabled = false;
      }
    },
  }, fields, wrong, h("div", { cls: "row end" }, close && h("button", { type: "button", onclick: close }, "Cancel"), button));
};

export const field = (label, input, hint) => {
  const id = `f-${input.name || label.replace(/\W/g, "")}`;
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", null, h("label", { for: id }, label), input, hint && h("p", { cls: "hint", id: `${id}-hint` }, hint));
};

export const ask = (title, text, verb, work) => dialog(title, (close) => [
  h("p", { cls: "quiet" }, text),
  form([], verb, async () => { await work(); close(); }, close),
]);

/** Shows a whole key, which nobody will see again. */
export const secret = (title, text, key, more) => dialog(title, (close) => h("div", { cls: "stack" },
  h("p", { cls: "quiet" }, text),
  h("div", { cls: "secret" }, h("code", { "data-secret": true }, key),
    h("button", { onclick: () => copy(key, "Key") }, "Copy")),
  more,
  h("div", { cls: "row end" }, h("button", { cls: "first", onclick: close }, "I have kept it"))));

export const tabs = (name, sheets, actions) => {
  const panel = h("div", { role: "tabpanel", tabindex: 0, "aria-label": name });
  const buttons = Object.keys(sheets).map((title) => h("button", {
    type: "button", role: "tab", onclick: () => choose(title),
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (buttons.indexOf(event.target) + step + buttons.length) % buttons.length;
      buttons[next].focus();
      choose(buttons[next].textContent);
    },
  }, title));
  const choose = (title) => {
    for (const each of buttons) {
      each.setAttribute("aria-selected", each.textContent === title);
      each.tabIndex = each.textContent === title ? 0 : -1;
    }
    put(panel, sheets[title]());
    panel.dataset.shown = title;
  };
  choose(buttons[0].textContent);
  return h("div", { cls: "code" }, h("div", { cls: "tabs" },
    h("div", { role: "tablist", "aria-label": name, cls: "row" }, buttons), actions(() => panel.textContent)), panel);
};

/** A picture of nothing yet. */
export const blankPicture = () => s("svg", { viewBox: "0 0 120 90", fill: "none", stroke: "currentColor", "stroke-width": 2, "aria-hidden": true },
  s("rect", { x: 2, y: 2, width: 116, height: 86, rx: 6, "stroke-dasharray": "5 5" }),
  s("circle", { cx: 84, cy: 28, r: 9 }), s("path", { d: "M12 76 42 38l22 27 12-13 26 24" }));
