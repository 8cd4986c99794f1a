// Numbers, money and times in words that people read.

const TICKS = 10_000_000_000n; // of one US dollar

/** Exact to the tick, with two decimals at least: 200000000 is "$0.02". */
export const dollars = (ticks) => {
  const value = BigInt(ticks);
  const size = value < 0n ? -value : value;
  const decimals = (size % TICKS).toString().padStart(10, "0").replace(/0+$/, "").padEnd(2, "0");
  const whole = (size / TICKS).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return `${value < 0n ? "−" : ""}$${whole}.${decimals}`;
};
/** For axes and forecasts, where the last cent is noise. */
export const about = (ticks) => {
  const value = Number(ticks) / Number(TICKS);
  return `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: value < 1 ? 3 : 2 })}`;
};
export const sum = (values) => values.reduce((total, each) => total + BigInt(each), 0n);

export const number = (value) => Number(value).toLocaleString("en");
export const count = (value, one, many = `${one}s`) => `${number(value)} ${Number(value) === 1 ? one : many}`;

export const bytes = (value) => {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])
    if (value >= size) return `${(value / size).toLocaleString("en", { maximumFractionDigits: 1 })}\u00a0${unit}`;
  return `${value} bytes`;
};

export const seconds = (ms) =>
  ms < 10_000 ? `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)}\u00a0s`
    : ms < 120_000 ? `${Math.round(ms / 1000)}\u00a0s`
      : ms < 7_200_000 ? `${Math.round(ms / 60_000)}\u00a0min` : `${Math.round(ms / 3_600_000)}\u00a0h`;

export const day = (time) => new Date(time).toLocaleDateString("en", { weekday: "long", day: "numeric", month: "long" });
export const dayKey = (time) => {
  const date = new Date(time);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
};
export const clock = (time) => new Date(time).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
export const moment = (time) => {
  const date = new Date(time);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return date.toLocaleString("en", { day: "numeric", month: "short", ...year, hour: "2-digit", minute: "2-digit", hour12: false });
};

/** "3 minutes ago" */
export const ago = (time, now = Date.now()) => {
  const past = (now - new Date(time).getTime()) / 1000;
  if (past < 45) return "just now";
  for (const [unit, size, limit] of [["minute", 60, 3600], ["hour", 3600, 86_400], ["day", 86_400, 2_592_000]])
    if (past < limit) return `${count(Math.max(1, Math.round(past / size)), unit)} ago`;
  return moment(time);
};
