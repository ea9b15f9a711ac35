/*
 * The texts of a Finviz page: collected with a ceiling, and the few that say
 * something about the page itself.
 */
#ifndef SOURCE_FINVIZ_TEXT_H
#define SOURCE_FINVIZ_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* Text as it is collected: white space collapsed, its ends trimmed. */
struct finviz_text {
	char s[LIMIT_CELL + 1];
	size_t n;
	int gap;  /* white space was seen after the last character */
	int over; /* it was longer; the rest is lost */
};

void finviz_text_clear(struct finviz_text *);
/* Append n bytes of UTF-8 (whole characters). */
void finviz_text_add(struct finviz_text *, const char *s, size_t n);
void finviz_text_set(struct finviz_text *, const char *s);

/* The t= of a link ("quote?t=AAPL&ty=c"), "" where it has none. */
void finviz_text_link(struct finviz_text *out, const char *href);

/*
 * "Total: 31 #1" (to 2022), "#1 / 146 Total" (since 2023), "0 Total" (empty):
 * nonzero, with *first -1 where there is no "#".  Other elements share the
 * class of the count ("Refresh:"): 0.
 */
int finviz_text_count(const char *s, int64_t *first, int64_t *total);

/* Lines of the comment that lists the rows of its page ("TS", a line for each,
 * "TE"); -1: it is another comment. */
int64_t finviz_text_ts(const char *s);

/* The value of an attribute out of libxml2's list of names and values, NULL
 * where the element has none of that name. */
const char *finviz_attribute(const unsigned char **atts, const char *name);

/* Is word one of the words of list (NULL: none), as in class="a b"? */
int finviz_has_word(const char *list, const char *word);

/*
 * Are these n bytes, which begin with '&', a reference to a character that no
 * text has ("&#1;", "&#xFFFE;")?  libxml2 would drop it without a word, as it
 * drops the byte itself.
 */
int finviz_bad_reference(const char *s, size_t n);

#endif
