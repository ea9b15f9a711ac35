// Queue, scheduler, sources, datasets: what the API says of itself.
import { $, h, say } from "./dom.js";
import { NONE, age, count, fixed, local, span } from "./format.js";

const jobs = { daily_refresh: "Daily refresh", hourly_check: "Hourly check", weekly_cleanup: "Weekly cleanup",
	warming: "Warming" };
const sectors = [...$("sector").options].map((o) => o.value);

const figure = (name, value, kind) =>
	h("div", { class: kind ?? null }, h("dt", {}, name), h("dd", {}, value));

export function showQueue(q) {
	$("queue").replaceChildren(
		figure("Pending", count(q.pending)),
		figure("Processing", count(q.processing), q.processing > 0 ? "live" : null),
		figure("Scheduled", count(q.scheduled)),
		figure("Completed", count(q.completed)),
		figure("Failed", count(q.failed), q.failed > 0 ? "bad" : null));
	$("paused").hidden = $("why-paused").hidden = !q.paused;
	const until = (Date.parse(q.pause_until ?? "") - Date.now()) / 1000;
	say($("why-paused"), q.paused ? `Paused${until > 0 ? ` for ${span(until)} from now` : ""}${q.pause_reason ? `: ${q.pause_reason}` : ""}.` : "");
	const levels = Object.entries(q.by_priority ?? {}).filter(([, n]) => n > 0)
		.map(([name, n]) => `${count(n)} ${name}`).join(", ");
	$("rates").replaceChildren(
		h("p", {}, h("b", {}, count(q.done_last_minute)), " done and ",
			h("b", {}, count(q.failed_last_minute)), " failed in the last minute"),
		h("p", {}, q.oldest_seconds === null || q.oldest_seconds === undefined
			? "Nothing waits." : `The oldest has waited ${span(q.oldest_seconds)}${levels ? ` (${levels})` : ""}.`));
}

export function showScheduler(s) {
	const b = $("switch");
	b.disabled = false;
	b.setAttribute("aria-checked", String(s.running));
	b.setAttribute("aria-label", "Scheduler");
	say(b.querySelector(".word"), s.running ? "On" : "Off");
	say($("indexes"), (s.schedule_config?.indexes ?? []).join(", "));
	$("jobs").tBodies[0].replaceChildren(...Object.entries(jobs).map(([key, name]) =>
		h("tr", {}, h("th", { scope: "row" }, name),
			h("td", {}, local(s.next_run?.[key])), h("td", {}, local(s.last_run?.[key])))));
}

const state = (word, kind) => h("span", { class: `pill ${kind}` }, word);

/** Calls a second, or a minute where that is the limit or a second has but a
 *  part of one. */
function pace(rate, minute) {
	const [n, unit] = minute ? [minute, "minute"] : rate < 1 ? [rate * 60, "minute"] : [rate, "second"];
	const hundredths = Math.round(n * 100); // the API has six digits: 0.0833333
	return `${fixed(hundredths / 100, hundredths % 100 ? 2 : 0)} call${hundredths === 100 ? "" : "s"} a ${unit} at most`;
}

export function showSources(list) {
	$("sources").replaceChildren(...list.map((s) => {
		if (s.off)
			return h("article", {}, h("h3", {}, s.name), state("off", "idle"), h("p", {}, s.off));
		const kind = s.breaker === "closed" ? "good" : s.breaker === "open" ? "bad" : "warn";
		const failed = s.failures_last_minute > 0 ? `, ${count(s.failures_last_minute)} failed` : "";
		const limiter = s.hold_seconds > 0 ? `held for ${span(s.hold_seconds)}`
			: s.next_seconds > 0 ? `next slot in ${span(s.next_seconds)}` : "a slot is free";
		return h("article", {},
			h("h3", {}, s.name), s.asked ? state(`breaker ${s.breaker}`, kind) : state("not asked yet", "idle"),
			h("p", {}, `${pace(s.rate, s.minute_quota)}, ${limiter}`),
			s.day_quota ? h("p", {}, `${count(s.day_left)} of ${count(s.day_quota)} calls left today`) : null,
			h("p", {}, `${count(s.calls_last_minute)} calls in the last minute${failed}`),
			s.breaker === "open" ? h("p", {}, `opens to a probe in ${span(s.open_seconds)}`) : null,
			s.last_error ? h("p", { class: "error" }, `${s.last_error}, ${span(age(s.last_error_at))} ago`) : null);
	}));
}

/** Each dataset in words, a group an index. */
function every(indexes, list) {
	const table = $("every");
	for (const old of [...table.tBodies])
		old.remove();
	table.append(...indexes.map((index) => h("tbody", {},
		h("tr", {}, h("th", { scope: "rowgroup", colspan: 3 }, index)),
		...list.filter((d) => d.index === index).map((d) => h("tr", {},
			h("td", {}, d.sector), h("td", {}, d.state === "absent" ? "absent"
				: `${span(d.age_seconds)}${d.state === "stale" ? ", stale" : ""}`),
			h("td", {}, count(d.rows)))))));
}

export function showDatasets(list, returns) {
	const indexes = [...new Set(list.map((d) => d.index))];
	$("datasets").replaceChildren(...indexes.map((index) => {
		const mine = list.filter((d) => d.index === index);
		const of = (word) => mine.filter((d) => d.state === word).length;
		const ages = mine.map((d) => d.age_seconds).filter((a) => typeof a === "number");
		const newest = ages.length ? Math.min(...ages) : null, oldest = ages.length ? Math.max(...ages) : null;
		const words = ["fresh", "stale", "absent"].filter(of).map((w) => `${of(w)} ${w}`).join(", ");
		return h("article", {}, h("h3", {}, index),
			h("span", { class: "cells", role: "img", "aria-label": words }, ...sectors.map((sector) => {
				const d = mine.find((m) => m.sector === sector);
				return h("i", { class: `cell ${d?.state ?? "absent"}`,
					title: `${sector}: ${d?.state ?? "absent"}${d && "rows" in d ? `, ${count(d.rows)} rows, ${span(d.age_seconds)} old` : ""}` });
			})),
			h("p", {}, newest === null ? words
				: `${words}; ${span(newest)}${span(oldest) === span(newest) ? "" : ` to ${span(oldest)}`} old, from ${[...new Set(mine.map((d) => d.source).filter(Boolean))].join(", ") || NONE}`),
			...returns.filter((r) => r.index === index && r.fetched_at).map((r) =>
				h("p", {}, `annual returns: ${r.state}, ${span(r.age_seconds)} old, from ${r.source}`)));
	}), ...(indexes.length ? [] : [h("p", {}, "Nothing is cached yet.")]));
	every(indexes, list);
}

/** The word, and behind its button what is wrong; null: nothing is known anew. */
export function showHealth(health) {
	if (health === null)
		return;
	const kind = { ok: "good", degraded: "warn", down: "bad" }[health.word] ?? "bad";
	$("health").className = `pill ${kind}`;
	say($("health"), health.word);
	const lines = health.why.length ? health.why : ["Nothing is wrong."];
	$("checks").replaceChildren(...lines.map((text) => h("li", {}, text)));
}

$("health").addEventListener("click", () => {
	const opens = $("checks").hidden;
	$("checks").hidden = !opens;
	$("health").setAttribute("aria-expanded", String(opens));
});
