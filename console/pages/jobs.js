// What is being made.
import { get } from "../api.js";
import { h, put } from "../dom.js";
import { bar, card, empty, fact, head, table, tag } from "../parts.js";
import { bytes, count, moment, number, seconds } from "../words.js";

const STATES = { queued: ["", "Waits"], running: ["warn", "At work"], succeeded: ["good", "Done"], failed: ["bad", "Failed"], cancelled: ["", "Cancelled"] };
const EVERY_MS = 1500;

const state = (job) => {
  const [kind, text] = STATES[job.state];
  if (!job.progress) return tag(kind, text);
  const { picture, step, steps } = job.progress;
  const done = picture * steps + step;
  return h("div", { cls: "stack" }, tag(kind, `Picture ${picture + 1} of ${job.pictures}, step ${step} of ${steps}`), bar(done, job.pictures * steps, "Progress"));
};
const took = (job) => job.finishTime && job.startTime ? seconds(Date.parse(job.finishTime) - Date.parse(job.startTime)) : "–";

export const show = async (stage, { session }) => {
  const path = `/v1/teams/${encodeURIComponent(session.teamId)}/jobs`;
  const facts = h("div", { cls: "cards tight" });
  const list = h("div");
  const more = h("div", { cls: "empty" });
  let older = [];
  let drawn = "";

  const rows = (jobs) => table("Jobs, newest first", [
    { name: "What", cls: "wide", cell: (job) => [job.prompt || "Without words", h("div", { cls: "quiet small" }, `${job.kind === "videos" ? "clip" : `${job.kind === "edits" ? "edit, " : ""}${count(job.pictures, "picture")}`}, ${job.model}`)] },
    { name: "State", cls: "wide", cell: (job) => [state(job), job.reason && h("div", { cls: "small quiet" }, job.reason)] },
    { name: "Asked", cls: "time", cell: (job) => moment(job.createTime) },
    { name: "Waited", cls: "right", cell: (job) => job.startTime ? seconds(Math.max(0, Date.parse(job.startTime) - Date.parse(job.createTime))) : "–" },
    { name: "Worked", cls: "right", cell: took },
    { name: "Worker", cell: (job) => job.workerId ? h("span", { cls: "mono quiet" }, job.workerId) : "–" }], jobs);

  const load = async () => {
    const [page, work] = await Promise.all([get(`${path}?pageSize=50`), get("/v1/workers")]);
    const text = JSON.stringify([page, work, older.length]);
    if (text === drawn) return;
    drawn = text;
    put(facts, fact("Wait", number(work.queued), "jobs of all teams"), fact("At work", number(work.running), "jobs of all teams"),
      work.workers.map((worker, i) => [
        fact(`Worker ${i + 1}`, worker.device.toUpperCase(), tag(worker.ready ? "good" : "warn", worker.ready ? "ready" : "loading its models")),
        fact("Speed", worker.meanRunMs ? `${seconds(worker.meanRunMs)} a job` : "not measured yet", worker.jobsPerMinute ? `${count(worker.jobsPerMinute, "job")} a minute while at work` : "it has made nothing lately"),
        fact("Memory", worker.memoryBytes ? bytes(worker.memoryBytes) : "–", `started ${count(worker.starts, "time")}`)]));
    put(list, page.jobs.length === 0 ? card(null, empty("No jobs yet", "Each request for pictures is a job. The newest stand first.")) : card("Jobs", rows([...page.jobs, ...older])));
    const next = older.length > 0 ? older.next : page.nextPageToken;
    put(more, next && h("button", { onclick: async () => {
      const following = await get(`${path}?pageSize=50&pageToken=${next}`);
      older = Object.assign([...older, ...following.jobs], { next: following.nextPageToken });
      load();
    } }, "Show older jobs"));
  };

  put(stage, head("Jobs and workers", "What waits, what is being made, and by whom. The page looks again by itself."), h("div", { cls: "stack" }, facts, list, more));
  await load();
  const timer = setInterval(() => { if (!document.hidden) load().catch(() => {}); }, EVERY_MS);
  return () => clearInterval(timer);
};
