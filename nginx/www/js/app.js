// The page: what is chosen, what is fetched when, what the buttons do.
import { Refused, get, post } from "./api.js";
import { $, h, say } from "./dom.js";
import { age, count, span } from "./format.js";
import { onPick, showMap } from "./map.js";
import { onPoint, showRisk } from "./scatter.js";
import { showDatasets, showHealth, showQueue, showScheduler, showSources } from "./status.js";
import { reveal, showTable } from "./table.js";

const POLL = 5000, SOON = 1500;

let shown = null; // the envelope on the screen
let returns = null; // annual returns of an index, by ticker
let returnsAt; // of which index, and when they were made
let returnsThere = []; // of which indexes the API has them
let wanted = 0; // the newest choice: an answer to an older one is dropped
let again = 0; // timer of an absent dataset

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const choice = () => ({ index: $("index").value, sector: $("sector").value });

function notice(text, kind = "") {
	$("notice").className = `notice ${kind}`;
	say($("notice"), text || "\u00a0");
}

/** Whose figures fill gaps: "beta, pe from yahoo". */
function filled(e) {
	const by = new Map();
	for (const [field, from] of Object.entries(e.filled ?? {}))
		for (const source of typeof from === "string" ? [from] : Object.keys(from))
			if (source !== e.source)
				by.set(source, [...by.get(source) ?? [], field]);
	return [...by].map(([source, fields]) =>
		`${fields.slice(0, 6).join(", ")}${fields.length > 6 ? ` and ${fields.length - 6} more` : ""} from ${source}`).join("; ");
}

/** Where the figures come from, how old they are, and what is wrong with them. */
function about() {
	const e = shown;
	if (!e?.source)
		return;
	const old = age(e.fetched_at), left = -(Date.now() - Date.parse(e.fresh_until)) / 1000;
	const rows = e.partial ? `${count(e.count)} of ${count(e.total)} companies` : `${count(e.count)} companies`;
	const marks = [
		e.stale || left <= 0 ? h("span", { class: "pill warn" }, "stale") : null,
		e.partial ? h("span", { class: "pill warn" }, "partial") : null,
		e.origin ? h("span", { class: "pill demo" }, "demo") : null,
	].filter(Boolean);
	$("about").replaceChildren(...marks, `${rows} from ${e.source}, fetched `,
		h("time", { datetime: e.fetched_at }, `${span(old)} ago`),
		left > 0 ? `, fresh for ${span(left)}` : "",
		filled(e) ? h("span", { class: "filled" }, `; gaps filled: ${filled(e)}`) : "");
}

function warn() {
	const e = shown;
	const why = (e.attempts ?? []).map((a) => `${a.source}: ${a.message}`).join("; ");
	if (e.stale)
		notice(`Stale: no source gave newer figures${why ? ` (${why})` : ""}.`, "warn");
	else if (e.partial)
		notice(`Partial: ${count(e.total - e.count)} companies are missing.`, "warn");
	else if (e.missing_fields?.length)
		notice(`${e.source} does not have: ${e.missing_fields.slice(0, 8).join(", ")}${e.missing_fields.length > 8 ? ` and ${e.missing_fields.length - 8} more` : ""}.`);
	$("origin").hidden = !e.origin;
	say($("origin"), e.origin ? `Not live data: ${e.origin} stands in for ${e.source}.` : "");
}

function draw() {
	const mine = returns?.index === shown.index ? returns : null;
	const rows = mine === null ? shown.data
		: shown.data.map((r) => ({ ...r, ...mine.by.get(r.Ticker) }));
	showMap(rows, shown.sector === "Any");
	showTable(rows, mine !== null);
	showRisk(mine === null ? [] : rows,
		`One year of daily figures from ${mine?.source}${mine?.origin ? " (demo)" : ""}; size is market cap`);
	about();
}

/** The chosen dataset; an absent one is asked for again until it is there. */
async function load() {
	const mine = ++wanted, what = choice();
	clearTimeout(again);
	say($("data-title"), what.sector === "Any" ? what.index : `${what.index}, ${what.sector}`);
	$("data").setAttribute("aria-busy", "true");
	try {
		const { status, body } = await get("/api/stocks", what);
		if (mine !== wanted)
			return;
		if (status === 202) {
			shown = { ...body, data: [], sector: what.sector };
			draw();
			say($("about"), "not in the cache yet");
			notice(body.message ?? "This dataset is being fetched.");
			again = setTimeout(load, SOON);
			return;
		}
		if (shown?.source === null || shown?.index !== body.index || shown?.sector !== body.sector)
			notice("");
		shown = body;
		draw();
		warn();
		loadReturns();
	} catch (why) {
		if (mine !== wanted)
			return;
		if (!(why instanceof Refused))
			throw why;
		if (shown && (shown.index !== what.index || shown.sector !== what.sector)) {
			shown = { index: what.index, sector: what.sector, data: [] };
			draw();
			say($("about"), "not available");
		}
		notice(`The data cannot be had: ${why.message}.`, "bad");
	} finally {
		if (mine === wanted)
			$("data").removeAttribute("aria-busy");
	}
}

/** Where the API says that it has annual returns; else nothing is asked. */
async function loadReturns() {
	const index = shown?.index;
	const there = returnsThere.find((r) => r.index === index && r.fetched_at);
	const at = there ? `${index} ${there.fetched_at}` : undefined;
	if (at === returnsAt)
		return;
	returnsAt = at;
	if (!there) {
		returns = null;
		if (shown)
			draw();
		return;
	}
	try {
		const { body } = await get("/api/annual-returns", { index });
		if (returnsAt !== at)
			return; // another index was chosen meanwhile
		const by = new Map(body.data.map((r) => [r.Ticker, {
			expected_annual_return: r.expected_annual_return,
			expected_annual_risk: r.expected_annual_risk }]));
		returns = by.size ? { index, by, source: body.source, origin: body.origin } : null;
	} catch (why) {
		if (!(why instanceof Refused))
			throw why;
		if (returnsAt === at)
			returns = null; // none yet: the picture is not shown
	}
	if (shown)
		draw();
}

const parts = [
	["/api/queue/stats", (b) => showQueue(b.queue)],
	["/api/scheduler/status", showScheduler],
	["/api/cache/info", (b) => {
		showSources(b.sources);
		showDatasets(b.datasets, b.annual_returns);
		const mine = b.datasets.find((d) => d.index === shown?.index && d.sector === shown?.sector);
		if (mine?.fetched_at && shown.fetched_at && mine.fetched_at > shown.fetched_at)
			load();
		returnsThere = b.annual_returns;
		loadReturns();
	}],
];

async function health() {
	try {
		const answer = await fetch("/api/health");
		const { status, checks } = await answer.json();
		showHealth(status ?? "down", (checks ?? []).map((c) => c.text).join("; "));
	} catch {
		showHealth("unreachable", "");
	}
}

/** All that changes by itself; one part that fails leaves the others. */
async function poll() {
	await Promise.all([health(), ...parts.map(async ([path, show]) => {
		try {
			show((await get(path)).body);
		} catch (why) {
			if (!(why instanceof Refused))
				throw why;
		}
	})]);
	about();
}

/** Follow a task to its end: its status, or null where it takes too long. */
async function follow(id, name) {
	const end = Date.now() + 15 * 60 * 1000;
	while (Date.now() < end) {
		const { task } = (await get(`/api/tasks/${id}`)).body;
		if (["completed", "failed", "cancelled"].includes(task.status))
			return task;
		notice(`${name}: ${task.status}${task.progress ? `, ${task.progress}` : ""} …`);
		await sleep(SOON);
	}
	return null;
}

/** A button of one writing route: busy while it works, in words what came. */
function action(button, work) {
	button.addEventListener("click", async () => {
		if (button.getAttribute("aria-disabled") === "true")
			return;
		button.setAttribute("aria-disabled", "true");
		try {
			await work();
		} catch (why) {
			if (!(why instanceof Refused))
				throw why;
			notice(`${why.message[0].toUpperCase()}${why.message.slice(1)}.`, "bad");
		} finally {
			button.removeAttribute("aria-disabled");
			poll();
		}
	});
}

async function refresh(path, body, name) {
	const answer = (await post(path, body)).body;
	const ids = (answer.tasks ?? [answer.task ?? { id: answer.task_id }]).map((t) => t.id ?? t);
	notice(`${name}: queued …`);
	const ends = [];
	for (const id of ids)
		ends.push(await follow(id, name));
	const bad = ends.find((t) => t?.status !== "completed");
	if (bad === undefined) {
		await sleep(3000); // so long nginx may have the old table
		await load();
		notice(`${name}: done.`, "good");
	} else {
		notice(`${name}: ${bad === null ? "still at work" : `${bad.status}${bad.error_message ? `, ${bad.error_message}` : ""}`}.`, "bad");
	}
}

function start() {
	for (const [name, value] of new URLSearchParams(location.search))
		if (["index", "sector"].includes(name) &&
			[...$(name).options].some((o) => o.value === value))
			$(name).value = value;
	$("choice").addEventListener("submit", (e) => e.preventDefault());
	$("choice").addEventListener("change", () => {
		history.replaceState(null, "", `?${new URLSearchParams(choice())}`);
		load();
	});
	action($("refresh"), () => refresh("/api/scheduler/refresh", choice(),
		`Refresh of ${$("data-title").textContent}`));
	action($("force"), () => refresh("/api/scheduler/force-refresh", null, "Refresh of every index"));
	action($("switch"), async () => {
		const on = $("switch").getAttribute("aria-checked") === "true";
		await post(`/api/scheduler/${on ? "stop" : "start"}`);
		showScheduler((await get("/api/scheduler/status")).body);
		notice(`The scheduler is ${on ? "off" : "on"}.`, "good");
	});
	onPick(reveal);
	onPoint(reveal);
	load();
	poll();
	setInterval(() => {
		if (!document.hidden)
			poll();
	}, POLL);
	document.addEventListener("visibilitychange", () => {
		if (!document.hidden)
			poll();
	});
}

start();
