"use strict";
// Before anything is drawn: the theme that was chosen, else the system's.
{
	const themes = ["auto", "light", "dark"];
	const words = { auto: "Auto", light: "Light", dark: "Dark" };
	let now = "auto";
	try {
		now = localStorage.getItem("stocknity-theme") || "auto";
	} catch { /* a browser that keeps nothing */ }
	if (!themes.includes(now))
		now = "auto";

	const show = () => {
		document.documentElement.dataset.theme = now;
		const button = document.getElementById("theme");
		if (!button)
			return;
		button.setAttribute("aria-label", `Theme: ${words[now].toLowerCase()}`);
		button.querySelector(".word").textContent = words[now];
	};
	show();
	document.addEventListener("DOMContentLoaded", () => {
		show();
		document.getElementById("theme").addEventListener("click", () => {
			now = themes[(themes.indexOf(now) + 1) % themes.length];
			try {
				localStorage.setItem("stocknity-theme", now);
			} catch { /* chosen for this page only */ }
			show();
		});
	});
}
