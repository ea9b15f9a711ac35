// The chosen dataset: it is asked for until it is there, and drawn.
import { Refused, get } from "./api.js";
import { $, h, say } from "./dom.js";
import { age, count, span } from "./format.js";
import { showMap } from "./map.js";
import { forgetNews, tellData } from "./notice.js";
import { showRisk } from "./scatter.js";
import { showTable } from "./table.js";
import { follow, sleep } from "./task.js";

let shown = null; // the envelope on the screen
let returns = null; // annual returns of an index, by ticker
let returnsAt; // of which index, and when they were made
let returnsThere = []; // of which indexes the API has them
let wanted = 0; // the newest load: an answer to an older one is dropped
let asking = false; // is the newest one waiting for its answer?
let again = 0; // timer of the next try

export const choice = () => ({ index: $("index").value, sector: $("sector").value });
const title = ({ sector }) => [$("index").selectedOptions[0].text, ...sector === "Any" ? [] : [sector]].join(", ");
const isChosen = (e, { index, sector }) => e?.index === index && e?.sector === sector;

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
export function about() {
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
		tellData(why ? `Stale: no source gave newer figures (${why}).` : "Stale: newer figures are not there yet.", "warn");
	else if (e.partial)
		tellData(`Partial: ${count(e.total - e.count)} companies are missing.`, "warn");
	else if (e.missing_fields?.length)
		tellData(`${e.source} does not have: ${e.missing_fields.slice(0, 8).join(", ")}${e.missing_fields.length > 8 ? ` and ${e.missing_fields.length - 8} more` : ""}.`);
	else
		tellData("");
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

function showNone(what, word) {
	shown = { ...what, data: [] };
	draw();
	say($("about"), word);
}

/** Follow the task of an absent dataset: what it fetched is drawn; that it failed
 *  is told, and not tried again unless somebody says so. */
async function fetched(task, goes) {
	const tell = (words) => tellData(`These data are not cached yet. Their fetch: ${words}`);
	tell(`${task.status} …`);
	const end = await follow(task.id, tell, goes).catch((why) => {
		if (why.status !== 404)
			throw why;
		return null; // Redis was emptied, and the task with it
	});
	if (!goes())
		return;
	if (end === null || end.status === "completed")
		load();
	else
		tellData(`These data are not cached, and their fetch ${end.words}. Refresh tries it again.`, "bad");
}

function failed(why, what) {
	if (!(why instanceof Refused))
		throw why;
	if (!isChosen(shown, what))
		showNone(what, "not available");
	if (why.status === 404)
		tellData(`${title(what)}: not cached, nor kept fresh: Refresh asks for it.`, "warn");
	else
		tellData(`The data cannot be had: ${why.message}${why.passes ? "; they are asked for again" : ""}.`, "bad");
	if (why.passes)
		again = setTimeout(load, why.wait);
}

/** The chosen dataset; one that cannot be had now is asked for again. */
export async function load() {
	const mine = ++wanted, what = choice(), goes = () => mine === wanted;
	clearTimeout(again);
	asking = true;
	say($("data-title"), title(what));
	$("data").setAttribute("aria-busy", "true");
	try {
		const { status, body } = await get("/api/stocks", what).finally(() => {
			asking &&= !goes();
		});
		if (!goes())
			return;
		if (status === 202) {
			showNone(what, "not in the cache yet");
			await fetched(body.task, goes);
			return;
		}
		if (!isChosen(shown, what) || shown.fetched_at !== body.fetched_at)
			forgetNews();
		shown = body;
		draw();
		warn();
		loadReturns();
	} catch (why) {
		if (goes())
			failed(why, what);
	} finally {
		if (goes())
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
		if (returnsAt !== at)
			return;
		returns = null; // none: the picture is not shown
		if (why.passes)
			returnsAt = null; // the next look asks again
	}
	if (shown)
		draw();
}

/** Does the API have newer data than those shown? */
function isOld(datasets) {
	const there = datasets.find((d) => isChosen(d, choice()))?.fetched_at;
	return Boolean(there) && isChosen(shown, choice()) && !(there <= shown.fetched_at);
}

/** What the API says of its cache: newer data than those shown are loaded. */
export function compare({ datasets, annual_returns: annualReturns }) {
	if (!asking && isOld(datasets))
		load();
	returnsThere = annualReturns;
	loadReturns();
}

/** The same at once, and until they are shown: nginx has the old ones for 2 s. */
export async function catchUp() {
	const { datasets } = (await get("/api/cache/info")).body;
	for (let tries = 4; isOld(datasets) && tries > 0; tries--) {
		await load();
		if (isOld(datasets))
			await sleep(1000);
	}
}
