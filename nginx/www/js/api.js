// The API, and the token that its writing routes may ask for.
import { $ } from "./dom.js";

const KEY = "stocknity-token";
// Longer than nginx waits for the API: a connection that died is no wait for ever.
const MOST = 45000;
const AGAIN = 5000; // where an answer does not say when to try again

/** What the API refused: its status and its own words. */
export class Refused extends Error {
	/** after: the milliseconds that the answer asks to wait; null: it does not. */
	constructor(status, detail, after = null) {
		super(detail);
		this.status = status;
		this.wait = Math.max(1000, after ?? AGAIN);
	}

	/** May the same be answered in a moment? */
	get passes() {
		return this.status === 0 || this.status === 429 || this.status >= 500;
	}
}

/** Retry-After in milliseconds: seconds, or a date; null where there is none. */
function retryAfter(answer) {
	const text = answer.headers.get("Retry-After");
	if (text === null)
		return null;
	const ms = /^\d+$/.test(text) ? text * 1000 : Date.parse(text) - Date.now();
	return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

async function call(path, options = {}) {
	let answer, body = null;
	try {
		answer = await fetch(path, { credentials: "omit",
			signal: AbortSignal.timeout(MOST), ...options });
	} catch {
		throw new Refused(0, "the server cannot be reached");
	}
	try {
		body = await answer.json();
	} catch { /* an answer without JSON is told by its status */ }
	if (!answer.ok)
		throw new Refused(answer.status,
			body?.detail ?? body?.error ?? `the server answers ${answer.status}`,
			retryAfter(answer));
	if (body === null)
		throw new Refused(0, "the answer was cut off");
	return { status: answer.status, body };
}

/** GET; with the token, where there is one: it may ask for any index. */
export function get(path, parameters) {
	const token = sessionStorage.getItem(KEY);
	return call(parameters ? `${path}?${new URLSearchParams(parameters)}` : path,
		token ? { headers: { Authorization: `Bearer ${token}` } } : {});
}

/** POST; the token is asked for where the API wants one, again where it is bad. */
export async function post(path, body) {
	let token = sessionStorage.getItem(KEY);
	for (;;) {
		const headers = body ? { "Content-Type": "application/json" } : {};
		if (token)
			headers.Authorization = `Bearer ${token}`;
		try {
			const done = await call(path,
				{ method: "POST", headers, body: body && JSON.stringify(body) });
			if (token)
				sessionStorage.setItem(KEY, token);
			return done;
		} catch (why) {
			if (why.status !== 401)
				throw why;
			if (sessionStorage.getItem(KEY) === token)
				sessionStorage.removeItem(KEY);
			token = sessionStorage.getItem(KEY) ?? await ask(token !== null);
			if (token === null)
				throw new Refused(401, "nothing was sent: it needs the token");
		}
	}
}

let asking = null; // the open question: two buttons share one answer

/** The token that the user types, or null. */
function ask(bad) {
	asking ??= question(bad).finally(() => {
		asking = null;
	});
	return asking;
}

function question(bad) {
	const dialog = $("ask");
	const input = $("token");
	const note = $("ask-bad");
	input.value = "";
	note.hidden = !bad;
	note.textContent = bad ? "The API refused that token. Try another one." : "";
	dialog.showModal();
	input.focus();
	return new Promise((resolve) => {
		let given = null;
		dialog.querySelector("form").onsubmit = () => {
			given = input.value.trim() || null;
		};
		$("ask-no").onclick = () => dialog.close();
		dialog.onclose = () => {
			input.value = "";
			resolve(given);
		};
	});
}

/** What of the server's health can be told: its word, and what is wrong. */
export async function health() {
	try {
		const answer = await fetch("/api/health", { signal: AbortSignal.timeout(MOST) });
		const { status, checks, detail } = await answer.json();
		if (typeof status === "string")
			return { word: status, why: (checks ?? []).map((c) => c.text) };
		// A problem (RFC 9457): that of 429 says nothing of the server's health.
		return answer.status === 429 ? null : { word: "unreachable", why: [detail] };
	} catch {
		return { word: "unreachable", why: ["The server cannot be reached."] };
	}
}
