// What was ordered and paid.
import { all, get, root } from "../api.js";
import { bars } from "../chart.js";
import { h, put } from "../dom.js";
import { bar, card, empty, fact, head, table } from "../parts.js";
import { about, count, dollars, number, sum } from "../words.js";

const SPANS = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["month", "This month"]];
const GROUPS = [["model", "Model"], ["key", "Key"], ["user", "User"]];
const FIRST = 20; // lines of the books
const SHOWN = 5; // groups with a colour of their own; the rest is one

const utc = (time) => new Date(time).toISOString().slice(0, 10);
const DAY = 86_400_000;

const daysOf = (span) => {
  const now = Date.now();
  const today = utc(now);
  const first = span === "month" ? Date.parse(`${today.slice(0, 8)}01T00:00:00Z`) : Date.parse(`${today}T00:00:00Z`) - (Number(span) - 1) * DAY;
  const days = [];
  for (let at = first; utc(at) <= today; at += DAY) days.push(utc(at));
  return days;
};

/** What the month will have cost if it goes on as in the last week. */
export const forecast = (rows, spent, now = new Date()) => {
  const week = utc(now.getTime() - 6 * DAY);
  const lately = sum(rows.filter((row) => row.day >= week).map((row) => row.cost_in_usd_ticks));
  const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  const left = (end - now.getTime()) / DAY;
  return BigInt(spent) + BigInt(Math.round(Number(lately) / 7 * left));
};

export const show = async (stage, { session, query, remember }) => {
  const team = encodeURIComponent(session.teamId);
  let span = query.get("span") ?? "30", group = query.get("by") ?? "model", what = query.get("show") ?? "usd";
  const body = h("div", { cls: "stack" });
  const [keys, people] = await Promise.all([all(`/auth/teams/${team}/api-keys?pageSize=1000`, "apiKeys", "paginationToken", "paginationToken"), get(`/auth/teams/${team}/people`)]);
  const names = new Map([...keys.map((key) => [key.apiKeyId, key.name]), ...people.people.map((person) => [person.apiKeyId, `${person.name} (console)`])]);
  const nameOf = (row) => group === "key" ? names.get(row.key_id) ?? row.key_id : group === "user" ? row.user || "no user named" : row.model;

  const budget = (title, { usedUsdTicks, usedPictures, limitUsdTicks, limitPictures }) => card(title,
    h("div", { cls: "stack" },
      h("div", { cls: "row spread number" }, h("span", null, dollars(usedUsdTicks)), h("span", { cls: "quiet small" }, limitUsdTicks === null ? "no limit in dollars" : `of ${dollars(limitUsdTicks)}`)),
      limitUsdTicks !== null && bar(usedUsdTicks, limitUsdTicks, `${title} in dollars`),
      h("div", { cls: "row spread number" }, h("span", null, count(usedPictures, "picture")), h("span", { cls: "quiet small" }, limitPictures === null ? "no limit in pictures" : `of ${number(limitPictures)}`)),
      limitPictures !== null && bar(usedPictures, limitPictures, `${title} in pictures`)));

  const load = async () => {
    const days = daysOf(span);
    const month = `${days.at(-1).slice(0, 8)}01`;
    const from = [days[0], month, utc(Date.now() - 6 * DAY)].sort()[0];
    const [rows, budgets] = await Promise.all([all(`/v1/billing/teams/${team}/usage?from=${from}&pageSize=10000`, "usage"), get(`/v1/billing/teams/${team}/budgets`)]);
    const shown = rows.filter((row) => row.day >= days[0]);
    const measure = what === "usd" ? (row) => row.cost_in_usd_ticks : (row) => row.pictures;
    const groups = new Map();
    for (const row of shown) {
      const each = groups.get(nameOf(row)) ?? { name: nameOf(row), ticks: 0n, pictures: 0, requests: 0, lost: 0, byDay: new Map(), total: 0 };
      groups.set(each.name, each);
      each.ticks += BigInt(row.cost_in_usd_ticks);
      each.pictures += row.pictures;
      each.requests += row.requests;
      if (row.outcome !== "delivered" && row.outcome !== "cached") each.lost += row.requests;
      each.byDay.set(row.day, (each.byDay.get(row.day) ?? 0) + measure(row));
      each.total += measure(row);
    }
    const sorted = [...groups.values()].sort((a, b) => b.total - a.total);
    const series = sorted.slice(0, SHOWN).map((each) => ({ name: each.name, values: days.map((day) => each.byDay.get(day) ?? 0) }));
    if (sorted.length > SHOWN) series.push({ name: "all others", values: days.map((day) => sorted.slice(SHOWN).reduce((total, each) => total + (each.byDay.get(day) ?? 0), 0)) });
    const ticks = sum(shown.map((row) => row.cost_in_usd_ticks));
    const pictures = shown.reduce((total, row) => total + row.pictures, 0);
    const spent = sum(rows.filter((row) => row.day >= month).map((row) => row.cost_in_usd_ticks));
    const title = SPANS.find(([value]) => value === span)[1];
    put(body,
      h("div", { cls: "cards" }, fact(title, h("span", { "data-total": String(ticks) }, dollars(ticks)), `${count(pictures, "picture")} paid for`),
        fact("This month", dollars(spent), "UTC, as the books have it"),
        fact("Forecast of the month", about(forecast(rows, spent)), "if it goes on as in the last seven days")),
      card(`${what === "usd" ? "Dollars" : "Pictures"} by day`, h("div", { cls: "stack" },
        h("div", { cls: "row" }, pick("Group by", GROUPS, group, (value) => { group = value; }), pick("Show", [["usd", "Dollars"], ["pictures", "Pictures"]], what, (value) => { what = value; })),
        ticks === 0n && pictures === 0 && shown.length === 0 ? empty("Nothing was ordered in these days", "Pictures that are made appear here with their price, exact to the last digit.", h("a", { cls: "button", href: "#/playground" }, "Make a picture"))
          : bars({ title: `${what === "usd" ? "Dollars" : "Pictures"} by day, ${title}`, days, series, text: what === "usd" ? about : (value) => number(Math.round(value * 10) / 10) }))),
      sorted.length > 0 && card(`By ${group}`, table(`Usage by ${group}`, [
        { name: GROUPS.find(([value]) => value === group)[1], cls: "wide", cell: (each) => each.name },
        { name: "Requests", cls: "right", cell: (each) => number(each.requests) },
        { name: "Not delivered", cls: "right", cell: (each) => number(each.lost) },
        { name: "Pictures", cls: "right", cell: (each) => number(each.pictures) },
        { name: "Dollars", cls: "right", cell: (each) => dollars(each.ticks) }], sorted)),
      h("div", { cls: "cards" }, budget("Budget of today", budgets.today), budget("Budget of this month", budgets.thisMonth)),
      shown.length > 0 && card("Every line of the books", lines("Usage by day, key, model, user and outcome", [
        { name: "Day", cls: "time", cell: (row) => row.day },
        { name: "Key", cell: (row) => names.get(row.key_id) ?? row.key_id },
        { name: "Model", cell: (row) => row.model },
        { name: "User", cell: (row) => row.user || "–" },
        { name: "Outcome", cell: (row) => row.outcome.replaceAll("_", " ") },
        { name: "Requests", cls: "right", cell: (row) => number(row.requests) },
        { name: "Pictures", cls: "right", cell: (row) => number(row.pictures) },
        { name: "Dollars", cls: "right", cell: (row) => dollars(row.cost_in_usd_ticks) }], [...shown].reverse())));
    csv.href = `${root}/v1/billing/teams/${team}/usage?format=csv&pageSize=10000&from=${days[0]}`;
    csv.download = `usage-${days[0]}-${days.at(-1)}.csv`;
  };

  /** The newest rows, and a button for all of them. */
  const lines = (caption, columns, rows) => {
    const place = h("div");
    const draw = (some) => put(place, table(caption, columns, some),
      some.length < rows.length && h("p", { cls: "row" }, h("button", { onclick: () => draw(rows) }, `Show all ${number(rows.length)} lines`)));
    draw(rows.slice(0, FIRST));
    return place;
  };

  const pick = (label, options, chosen, choose) => h("fieldset", null, h("legend", { cls: "unseen" }, label), h("div", { cls: "choice" }, options.map(([value, text]) =>
    h("label", null, h("input", { type: "radio", name: label, value, checked: value === chosen, onchange: () => {
      choose(value);
      remember([["span", span], ["by", group], ["show", what]]);
      load().then(() => stage.querySelector(`input[name="${label}"][value="${value}"]`)?.focus());
    } }), h("span", null, text)))));

  const csv = h("a", { cls: "button" }, "Download CSV");
  put(stage, head("Usage", "Pictures and dollars, as the books have them. Days are those of UTC.", pick("Days", SPANS, span, (value) => { span = value; }), csv), body);
  await load();
};
