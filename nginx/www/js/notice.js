// The line over the data.  It tells what is the matter with the data, and for a
// while what a button did; neither stays when its cause has gone.
import { $, say } from "./dom.js";

const READ = 10000; // long enough to be read

let data = { text: "", kind: "" };
let news = null;
let timer = 0;

function show() {
	const { text, kind } = news ?? data;
	$("notice").className = `notice ${kind}`;
	say($("notice"), text || "\u00a0");
}

/** What is the matter with the data that are shown; "": nothing. */
export function tellData(text, kind = "") {
	data = { text, kind };
	show();
}

/** What a button did; it goes by itself, but for one that stays. */
export function tellNews(text, kind = "", stays = false) {
	news = { text, kind };
	clearTimeout(timer);
	if (!stays)
		timer = setTimeout(forgetNews, READ);
	show();
}

/** Something newer has happened than what the button did. */
export function forgetNews() {
	clearTimeout(timer);
	news = null;
	show();
}
