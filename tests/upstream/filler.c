#include "chance.h"
#include "columns.h"
#include "filler.h"
#include "text.h"

static const char *const words[] = { "window", "function(e,t)", "return",
	"document", ".push(", "){var n=", "length", "querySelector",
	"\"click\"", "=null;", "addEventListener", "&&", "||", "Promise",
	".then(", "})", "this.", "prototype", "if(", "else{", "}", "gtag",
	"dataLayer", "typeof", "undefined", "for(var i=0;", "i++)",
	"Math.random()", "settings" };

void
filler_script(struct text *t, size_t bytes)
{
	uint64_t chance = bytes;
	size_t end = t->len + bytes;

	text_add(t, "<script>/* filler of the demo market\n");
	while (t->len < end) {
		text_add(t, words[chance_below(
				&chance, sizeof(words) / sizeof(*words))]);
		if (chance_below(&chance, 4) == 0)
			text_addf(
			    t, "_%x", (unsigned)chance_below(&chance, 0xfffff));
		text_add(t, chance_below(&chance, 12) ? " " : "\n");
	}
	text_add(t, "*/</script>\n");
}

void
filler_orders(struct text *t, const char *link)
{
	int i;

	for (i = 1; i < COLUMNS; i++)
		text_addf(t, "<option value=\"%s&o=%s\">%s</option>", link,
		    columns[i].key, columns[i].head_2026);
}

/* A select of the usual steps for each column, some 90 kB in all. */
void
filler_panel(struct text *t, const char *link)
{
	int i, step;

	text_add(
	    t, "<table id=\"filter-table-filters\" class=\"filters-border\">");
	for (i = 6; i < 70; i++) {
		text_addf(t,
		    "<tr><td class=\"filters-cells\"><span "
		    "class=\"screener-combo-title\">%s</span></td><td><select "
		    "id=\"fs_%s\" class=\"screener-combo-text fv-select\" "
		    "data-url=\"%s\"><option selected value=\"\">Any</option>",
		    columns[i].head_2026, columns[i].key, link);
		for (step = 5; step <= 100; step += 5)
			text_addf(t,
			    "<option value=\"u%d\">Under %d</option>"
			    "<option value=\"o%d\">Over %d</option>",
			    step, step, step, step);
		text_add(t, "</select></td></tr>\n");
	}
	text_add(t, "</table>\n");
}
