#include "data/field.h"

static const char *const units[] = {
	[FIELD_TEXT] = "text",
	[FIELD_DATE] = "date, ISO 8601",
	[FIELD_NUMBER] = "number",
	[FIELD_FRACTION] = "fraction (0.07 is 7 %)",
	[FIELD_MONEY] = "dollars",
	[FIELD_COUNT] = "count",
};

void
field_document(FILE *out)
{
	fprintf(out, "| field | unit | Finviz column | Yahoo member |\n"
		     "| --- | --- | --- | --- |\n");
	for (int i = 0; i < FIELD__MAX; i++) {
		const struct field_info *f = &fields[i];

		fprintf(out, "| `%s` | %s | %d | %s%s%s |\n", f->name,
		    units[f->type], f->finviz_id, f->yahoo ? "`" : "",
		    f->yahoo ? f->yahoo : "", f->yahoo ? "`" : "");
	}
}
