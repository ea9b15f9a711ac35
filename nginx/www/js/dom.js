// Elements out of text that is never read as markup.

export const $ = (id) => document.getElementById(id);

/** h("td", {class: "num", scope: "row"}, "text", element, …) */
export function h(name, attributes = {}, ...children) {
	const svg = ["svg", "g", "rect", "text", "circle", "line", "path"].includes(name);
	const e = svg
		? document.createElementNS("http://www.w3.org/2000/svg", name)
		: document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		if (value === true)
			e.setAttribute(key, "");
		else if (value !== null && value !== undefined && value !== false)
			e.setAttribute(key, value);
	e.append(...children.filter((c) => c !== null && c !== undefined));
	return e;
}

/** Text that changes only if it differs: a screen reader hears news only. */
export function say(e, text) {
	if (e.textContent !== text)
		e.textContent = text;
}

/** A tooltip beside a point of the window, within it. */
export function tip(x, y, ...children) {
	const t = $("tip");
	t.replaceChildren(...children);
	t.hidden = false;
	const { width, height } = t.getBoundingClientRect();
	const edge = document.documentElement.clientWidth;
	const left = x + 14 + width > edge ? x - 14 - width : x + 14;
	t.style.left = `${Math.max(6, Math.min(left, edge - width - 6))}px`;
	t.style.top = `${Math.max(6, Math.min(y + 14, innerHeight - height - 6))}px`;
}

export function untip() {
	$("tip").hidden = true;
}
