#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "source/finviz_columns.h"

void
finviz_columns_init(struct finviz_columns *c)
{
	c->n = 0;
	memset(c->have, 0, sizeof(c->have));
	c->number = LIMIT_COLUMNS;
	c->ticker = LIMIT_COLUMNS;
}

enum rc
finviz_columns_add(struct finviz_columns *c, const char *header, struct err *e)
{
	enum field f = field_by_header(header);
	size_t i = c->n;

	if (i == LIMIT_COLUMNS)
		return err_set(
		    e, RC_PARSE, "more than %d columns", LIMIT_COLUMNS);
	if (f != FIELD__MAX && c->have[f])
		f = FIELD__MAX;
	if (f != FIELD__MAX)
		c->have[f] = 1;
	c->field[i] = f;
	c->n++;
	if (f == FIELD_TICKER)
		c->ticker = i;
	if (c->number == LIMIT_COLUMNS && strcasecmp(header, "No.") == 0)
		c->number = i;
	return RC_OK;
}

long
finviz_number(const char *cell)
{
	char digits[16];
	size_t n = 0;
	int64_t v;

	for (; *cell != '\0'; cell++) {
		if (*cell == ',')
			continue;
		if (n == sizeof(digits) - 1)
			return 0;
		digits[n++] = *cell;
	}
	digits[n] = '\0';
	if (num_int(digits, 1, INT32_MAX, &v, NULL) != RC_OK)
		return 0;
	return (long)v;
}
