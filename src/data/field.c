#include <string.h>
#include <strings.h>

#include "data/field.h"

#define BLANK " \t\r\n\f\v"

const struct field_info fields[FIELD__ALL] = {
#define FIELD(id, name_, label_, type_, finviz, aliases_, elite, yahoo_,       \
    yahoo_exp, min_, max_)                                                     \
	[FIELD_##id] = { .name = (name_),                                      \
		.label = (label_),                                             \
		.aliases = (aliases_),                                         \
		.yahoo = (yahoo_),                                             \
		.type = (type_),                                               \
		.finviz_id = (finviz),                                         \
		.elite_exp10 = (elite),                                        \
		.yahoo_exp10 = (yahoo_exp),                                    \
		.min = (min_),                                                 \
		.max = (max_) },
#include "data/fields.def"
#undef FIELD
	[FIELD__MAX] = { .name = "", .label = "" },
	[FIELD_ANNUAL_RETURN] = { .name = "expected_annual_return",
	    .label = "Return p.a.",
	    .type = FIELD_FRACTION },
	[FIELD_ANNUAL_RISK] = { .name = "expected_annual_risk",
	    .label = "Risk p.a.",
	    .type = FIELD_FRACTION },
	[FIELD_RETURN_RISK] = { .name = "return_risk_ratio",
	    .label = "Ratio",
	    .type = FIELD_NUMBER },
};

enum field
field_by_name(const char *name)
{
	int f;

	/* All names go before all labels. */
	for (f = 0; f < FIELD__ALL && *name != '\0'; f++)
		if (strcasecmp(fields[f].name, name) == 0)
			return (enum field)f;
	for (f = 0; f < FIELD__ALL && *name != '\0'; f++)
		if (strcasecmp(fields[f].label, name) == 0)
			return (enum field)f;
	return FIELD__MAX;
}

/* Is it one of the words between the bars? */
static int
is_alias(const char *aliases, const char *word, size_t len)
{
	for (const char *p = aliases;; p++) {
		size_t n = strcspn(p, "|");

		if (n == len && strncasecmp(p, word, n) == 0)
			return 1;
		p += n;
		if (*p == '\0')
			return 0;
	}
}

enum field
field_by_header(const char *header)
{
	size_t n;

	header += strspn(header, BLANK);
	n = strlen(header);
	while (n > 0 && strchr(BLANK, header[n - 1]) != NULL)
		n--;
	for (int f = 0; f < FIELD__MAX; f++)
		if (is_alias(fields[f].aliases, header, n))
			return (enum field)f;
	return FIELD__MAX;
}

int
field_is_number(enum field f)
{
	return fields[f].type != FIELD_TEXT && fields[f].type != FIELD_DATE;
}
