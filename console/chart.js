// Bars of what a day has cost, one on the other, as a drawing.
import { h, s } from "./dom.js";

const WIDTH = 880, HEIGHT = 240, LEFT = 56, BOTTOM = 24, TOP = 12;

const round = (value) => {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
};

/** `days`: ["2026-11-28", ...]; `series`: [{ name, values: [number of each day] }], the largest first;
 *  `text(value)` is how a value reads; `title` is for who does not see the drawing. */
export const bars = ({ title, days, series, text, ghost }) => {
  const totals = days.map((_, i) => series.reduce((total, each) => total + each.values[i], 0));
  const top = round(Math.max(...totals, ghost ?? 0, 1e-9));
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const step = (WIDTH - LEFT) / days.length;
  const thick = Math.min(46, step * 0.68);
  const every = Math.ceil(days.length / 8);
  const drawing = s("svg", { cls: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
    [0, 0.25, 0.5, 0.75, 1].map((part) => [
      s("line", { cls: "grid", x1: LEFT, x2: WIDTH, y1: y(part * top), y2: y(part * top) }),
      s("text", { x: LEFT - 8, y: y(part * top) + 4, "text-anchor": "end" }, text(part * top))]),
    days.map((day, i) => {
      let base = 0;
      const x = LEFT + i * step + (step - thick) / 2;
      return s("g", null, s("title", null, `${day}: ${text(totals[i])}`),
        s("rect", { x: LEFT + i * step, y: TOP, width: step, height: HEIGHT - TOP - BOTTOM, fill: "transparent" }),
        series.map((each, place) => {
          const value = each.values[i];
          if (value === 0) return null;
          const high = y(base), low = y(base += value);
          return s("rect", { cls: `k${place}`, x, y: low, width: thick, height: Math.max(1, high - low - (base < totals[i] ? 1 : 0)), rx: 2 });
        }),
        (i % every === 0) && s("text", { x: x + thick / 2, y: HEIGHT - 6, "text-anchor": "middle" }, label(day)));
    }));
  return h("figure", { cls: "stack" }, h("div", { cls: "table", tabindex: 0, role: "region", "aria-label": title }, drawing),
    series.length > 1 && h("ul", { cls: "legend" }, series.map((each, place) => h("li", null, h("i", { cls: `k${place}` }), each.name))));
};

const label = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" });
