// Returns against risk, where the annual returns are there.
import { $, h, say, tip, untip } from "./dom.js";
import { percent } from "./format.js";

const margin = { left: 52, right: 26, top: 26, bottom: 40 };
let rows = [];
let about = "";
let drawn = "";
let pick = () => {};

export function onPoint(f) {
	pick = f;
}

const both = (r) => typeof r.expected_annual_return === "number" &&
	typeof r.expected_annual_risk === "number";

/** The ends that all but one of a hundred lie within, on round figures. */
function domain(values, zero) {
	const { quantileSorted, nice } = globalThis.d3;
	const v = values.toSorted((a, b) => a - b);
	return nice(zero ? 0 : quantileSorted(v, 0.01), quantileSorted(v, 0.99), 6);
}

function draw() {
	const place = $("scatter");
	const { clientWidth: width, clientHeight: height } = place;
	const points = rows.filter(both);
	const [x0, x1] = domain(points.map((r) => r.expected_annual_risk), true);
	const [y0, y1] = domain(points.map((r) => r.expected_annual_return), false);
	const beyond = points.filter((r) => r.expected_annual_risk > x1 ||
		r.expected_annual_return < y0 || r.expected_annual_return > y1).length;
	say($("risk-about"), `${about}${beyond ? `; ${beyond} on the rim ${beyond === 1 ? "lies" : "lie"} beyond it` : ""}`);
	const clamp = (v, a, b) => Math.max(a, Math.min(b, v));
	const x = (v) => margin.left + (clamp(v, x0, x1) - x0) / (x1 - x0) * (width - margin.left - margin.right);
	const y = (v) => height - margin.bottom - (clamp(v, y0, y1) - y0) / (y1 - y0) * (height - margin.top - margin.bottom);
	const axis = [];
	for (const t of globalThis.d3.ticks(y0, y1, 6))
		axis.push(h("line", { x1: margin.left, x2: width - margin.right, y1: y(t), y2: y(t), class: Math.abs(t) < 1e-9 ? "zero" : null }),
			h("text", { x: margin.left - 8, y: y(t) + 4, "text-anchor": "end" }, percent(t, true, 0)));
	for (const t of globalThis.d3.ticks(x0, x1, Math.max(3, width / 120)))
		axis.push(h("text", { x: x(t), y: height - margin.bottom + 17, "text-anchor": "middle" }, percent(t, false, 0)));
	const most = Math.max(...points.map((r) => r["Market Cap"] ?? 0));
	const dots = points.toSorted((a, b) => (b["Market Cap"] ?? 0) - (a["Market Cap"] ?? 0)).map((r) => {
		const dot = h("circle", { cx: x(r.expected_annual_risk), cy: y(r.expected_annual_return),
			r: 3 + 15 * Math.sqrt((r["Market Cap"] ?? 0) / (most || 1)),
			class: r.expected_annual_return >= 0 ? "up" : "down" });
		dot.addEventListener("pointermove", (e) => tip(e.clientX, e.clientY,
			h("strong", {}, r.Ticker), ` ${r.Company ?? ""}`, h("br"),
			`Return ${percent(r.expected_annual_return, true)}`, h("br"),
			`Risk ${percent(r.expected_annual_risk)}`));
		dot.addEventListener("pointerleave", untip);
		dot.addEventListener("click", () => pick(r.Ticker));
		return dot;
	});
	place.replaceChildren(h("svg", { width, height, role: "img", viewBox: `0 0 ${width} ${height}`,
		"aria-label": `Annual return against annual risk of ${points.length} companies; the table has the figures.` },
	h("g", { class: "axis" }, ...axis,
		h("text", { x: width - margin.right, y: height - 4, "text-anchor": "end", class: "name" }, "Risk a year (standard deviation) →"),
		h("text", { x: 4, y: 12, class: "name" }, "↑ Return a year")),
	h("g", { class: "dots" }, ...dots)));
	drawn = `${width}x${height}`;
}

export function showRisk(data, words) {
	rows = data;
	about = words;
	const there = Boolean(globalThis.d3?.ticks) && rows.filter(both).length > 1;
	$("risk").hidden = !there;
	if (!there)
		return;
	draw();
}

new ResizeObserver(() => {
	const { clientWidth, clientHeight } = $("scatter");
	if (!$("risk").hidden && drawn !== `${clientWidth}x${clientHeight}`)
		draw();
}).observe($("scatter"));
