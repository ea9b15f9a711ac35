// The API, and the token that its writing routes may ask for.
import { $ } from "./dom.js";

const KEY = "stocknity-token";

/** What the API refused: its status and its own words. */
export class Refused extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
	}
}

async function call(path, options = {}) {
	let answer;
	try {
		answer = await fetch(path, { credentials: "omit", ...options });
	} catch {
		throw new Refused(0, "the server cannot be reached");
	}
	let body = null;
	try {
		body = await answer.json();
	} catch { /* an answer without JSON is told by its status */ }
	if (!answer.ok)
		throw new Refused(answer.status,
			body?.detail ?? body?.error ?? `the server answers ${answer.status}`);
	if (body === null)
		throw new Refused(answer.status, "the answer cannot be read");
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
			sessionStorage.removeItem(KEY);
			token = await ask(token !== null);
			if (token === null)
				throw new Refused(401, "nothing was sent: it needs the token");
		}
	}
}

/** The token that the user types, or null. */
function ask(bad) {
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
