// Figures as people read them.  What is missing is "–", never 0.

export const NONE = "–";
const isNumber = (v) => typeof v === "number" && Number.isFinite(v);

export function fixed(v, digits = 2) {
	return isNumber(v)
		? v.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
			.replace("-", "−")
		: NONE;
}

/** A fraction as a percentage; with its sign where it is a change. */
export function percent(v, sign = false, digits = 2) {
	if (!isNumber(v))
		return NONE;
	const text = fixed(v * 100, digits);
	const zero = /^−?0\.?0*$/.test(text);
	return `${zero ? text.replace("−", "") : sign && v > 0 ? `+${text}` : text}%`;
}

/** 4374480000000 is 4.37 T */
export function big(v) {
	if (!isNumber(v))
		return NONE;
	for (const [unit, name] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]])
		if (Math.abs(v) >= unit)
			return `${fixed(v / unit, Math.abs(v) >= 100 * unit ? 0 : Math.abs(v) >= 10 * unit ? 1 : 2)} ${name}`;
	return fixed(v, 0);
}

export function count(v) {
	return isNumber(v) ? v.toLocaleString("en-US") : NONE;
}

/** Seconds as one unit, or two where the first is small. */
export function span(s) {
	if (!isNumber(s))
		return NONE;
	if (s < 1)
		return s > 0 ? `${fixed(s, 1)} s` : "0 s";
	if (s < 90)
		return `${Math.round(s)} s`;
	if (s < 90 * 60)
		return `${Math.round(s / 60)} min`;
	if (s < 36 * 3600)
		return `${Math.round(s / 3600)} h`;
	return `${Math.round(s / 86400)} days`;
}

/** "2026-11-23T08:00:00", local time of the server, as it is: no conversion. */
export function local(text) {
	const m = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(text ?? "");
	if (!m)
		return NONE;
	const day = new Date(Date.UTC(m[1], m[2] - 1, m[3]));
	const far = Math.abs(day - Date.now()) > 20 * 86400e3;
	const name = day.toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric",
		...(far ? { month: "short" } : { weekday: "short" }) });
	return `${name}, ${m[4]}:${m[5]}`;
}

/** How old an ISO time with zone is, in seconds. */
export function age(iso, now = Date.now()) {
	const t = Date.parse(iso ?? "");
	return Number.isNaN(t) ? null : Math.max(0, (now - t) / 1000);
}
