// The page: what is looked at when, and what the buttons do.
import { Refused, get, health, post } from "./api.js";
import { about, catchUp, choice, compare, load } from "./data.js";
import { $ } from "./dom.js";
import { onPick } from "./map.js";
import { forgetNews, tellNews } from "./notice.js";
import { onPoint } from "./scatter.js";
import { showDatasets, showHealth, showQueue, showScheduler, showSources } from "./status.js";
import { reveal } from "./table.js";
import { follow } from "./task.js";

const POLL = 5000;

const parts = [
	["/api/queue/stats", (b) => showQueue(b.queue)],
	["/api/scheduler/status", showScheduler],
	["/api/cache/info", (b) => {
		showSources(b.sources);
		showDatasets(b.datasets, b.annual_returns);
		compare(b);
	}],
];

/** All that changes by itself; one part that fails leaves the others.  Returns
 *  how long to wait until the next look. */
async function look() {
	const waits = await Promise.all([health().then(showHealth), ...parts.map(async ([path, show]) => {
		try {
			show((await get(path)).body);
		} catch (why) {
			if (!(why instanceof Refused))
				throw why;
			return why.wait;
		}
	})]);
	about();
	return Math.max(POLL, ...waits.map((w) => w ?? 0));
}

let turn = Promise.resolve(); // one look after the other, however slow they are
let next = 0; // timer of the next one

function poll() {
	clearTimeout(next);
	turn = turn.then(look).catch((why) => {
		reportError(why); // a bug, and no end of looking
		return POLL;
	}).then((wait) => {
		clearTimeout(next);
		next = setTimeout(() => {
			if (!document.hidden)
				poll();
		}, wait);
	});
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
			tellNews(`${why.message[0].toUpperCase()}${why.message.slice(1)}.`, "bad");
		} finally {
			button.removeAttribute("aria-disabled");
			poll();
		}
	});
}

async function refresh(path, body, name) {
	const answer = (await post(path, body)).body;
	const ids = (answer.tasks ?? [answer.task]).map((t) => t.id);
	const end = Date.now() + 15 * 60 * 1000;
	tellNews(`${name}: queued …`, "", true);
	let bad;
	for (const id of ids) {
		const task = await follow(id, (words) => tellNews(`${name}: ${words}`, "", true),
			() => Date.now() < end);
		if (task?.status !== "completed")
			bad ??= task?.words ?? "still at work";
	}
	if (bad) {
		tellNews(`${name}: ${bad}.`, "bad", true);
		return;
	}
	await catchUp();
	tellNews(`${name}: done.`, "good");
}

function start() {
	for (const [name, value] of new URLSearchParams(location.search))
		if (["index", "sector"].includes(name) &&
			[...$(name).options].some((o) => o.value === value))
			$(name).value = value;
	$("choice").addEventListener("submit", (e) => e.preventDefault());
	$("choice").addEventListener("change", () => {
		history.replaceState(null, "", `?${new URLSearchParams(choice())}`);
		forgetNews();
		load();
	});
	action($("refresh"), () => refresh("/api/scheduler/refresh", choice(),
		`Refresh of ${$("data-title").textContent}`));
	action($("force"), () => refresh("/api/scheduler/force-refresh", null, "Refresh of every index"));
	action($("switch"), async () => {
		const on = $("switch").getAttribute("aria-checked") === "true";
		await post(`/api/scheduler/${on ? "stop" : "start"}`);
		showScheduler((await get("/api/scheduler/status")).body);
		tellNews(`The scheduler is ${on ? "off" : "on"}.`, "good");
	});
	onPick(reveal);
	onPoint(reveal);
	load();
	poll();
	document.addEventListener("visibilitychange", () => {
		if (!document.hidden)
			poll();
	});
}

start();
