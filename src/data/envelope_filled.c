#include "data/envelope_filled.h"
#include "data/field.h"

int
filled_whole(const struct filled *of, enum field f)
{
	for (size_t i = 0; i < of->nsources; i++)
		if (of->rows > 0 && of->count[f][i] == of->rows)
			return (int)i;
	return -1;
}

/* "yahoo", or {"yahoo":12}; 0: nothing of the field was filled. */
static int
add_fillers(struct buf *b, const struct filled *of, enum field f, int first)
{
	int whole = filled_whole(of, f), n = 0;

	for (size_t i = 0; i < of->nsources; i++) {
		if (of->count[f][i] == 0)
			continue;
		if (n++ == 0) {
			buf_adds(b, first ? "" : ",");
			envelope_string(b, fields[f].name);
			buf_adds(b, whole < 0 ? ":{" : ":");
		} else {
			buf_addc(b, ',');
		}
		envelope_string(b, of->source[i]);
		if (whole < 0)
			buf_addf(b, ":%u", of->count[f][i]);
	}
	if (n > 0 && whole < 0)
		buf_addc(b, '}');
	return n > 0;
}

void
filled_write(struct buf *b, const struct filled *of, const unsigned char *only)
{
	int first = 1;

	buf_adds(b, "\"filled\":{");
	for (int f = 0; f < FIELD__MAX; f++)
		if ((only == NULL || only[f]) &&
		    add_fillers(b, of, (enum field)f, first))
			first = 0;
	buf_adds(b, "},");
}
