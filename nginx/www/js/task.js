// Tasks of the queue: what is told of one, and following it to its end.
import { get } from "./api.js";
import { span } from "./format.js";

const SOON = 1500;

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** "failed: why", "scheduled for a retry in 30 s: why", "processing, 3 of 26" */
function describe(t) {
	const due = (Date.parse(t.due_at ?? "") - Date.now()) / 1000;
	const why = t.status === "completed" ? null : t.error_message ?? t.put_off;
	return [t.status, due > 0 ? ` for ${span(due)} from now` : "",
		t.progress ? `, ${t.progress}` : "", why ? `: ${why}` : ""].join("");
}

/** Ask for a task until it has ended, and return it; null where goes() no longer
 *  says so.  tell(words) hears each time how it stands.  An API that is away for
 *  a moment is waited for; a task that is not there is its Refused. */
export async function follow(id, tell, goes) {
	for (;;) {
		let wait = SOON;
		try {
			const { task } = (await get(`/api/tasks/${id}`)).body;
			if (!goes())
				return null;
			if (["completed", "failed", "cancelled"].includes(task.status))
				return { ...task, words: describe(task) };
			tell(`${describe(task)} …`);
		} catch (why) {
			if (!why.passes)
				throw why;
			if (!goes())
				return null;
			tell(`${why.message}, it is asked again …`);
			wait = why.wait;
		}
		await sleep(wait);
	}
}
