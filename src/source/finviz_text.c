#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "source/finviz_text.h"

#define BLANK " \t\r\n\f"

void
finviz_text_clear(struct finviz_text *t)
{
	t->s[0] = '\0';
	t->n = 0;
	t->gap = 0;
	t->over = 0;
}

/* Length of the white space at s: 1, or 2 for a no-break space in UTF-8. */
static size_t
blank(const char *s, size_t n)
{
	if (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		return 1;
	return n > 1 && s[0] == '\xc2' && s[1] == '\xa0' ? 2 : 0;
}

void
finviz_text_add(struct finviz_text *t, const char *s, size_t n)
{
	size_t skip;

	for (; n > 0 && !t->over; s += skip, n -= skip) {
		skip = blank(s, n);
		if (skip > 0) {
			t->gap = t->n > 0;
			continue;
		}
		skip = 1;
		if (t->n + 2 > LIMIT_CELL) {
			t->over = 1;
			break;
		}
		if (t->gap)
			t->s[t->n++] = ' ';
		t->gap = 0;
		t->s[t->n++] = *s;
	}
	t->s[t->n] = '\0';
}

void
finviz_text_set(struct finviz_text *t, const char *s)
{
	finviz_text_clear(t);
	finviz_text_add(t, s, strlen(s));
}

/* Read "31", "#1", "10,188" at *s and go past it; -1: it is none. */
static int64_t
count_number(const char **s, int hash)
{
	char digits[20];
	const char *p = *s;
	size_t n = 0;
	int64_t v;

	if (hash && *p++ != '#')
		return -1;
	for (; (*p >= '0' && *p <= '9') || (n > 0 && *p == ','); p++)
		if (*p != ',' && n < sizeof(digits) - 1)
			digits[n++] = *p;
	digits[n] = '\0';
	if (num_int(digits, 0, INT32_MAX, &v, NULL) != RC_OK)
		return -1;
	*s = p;
	return v;
}

int
finviz_text_count(const char *s, int64_t *first, int64_t *total)
{
	*first = -1;
	if (strncasecmp(s, "Total: ", 7) == 0) {
		s += 7;
		*total = count_number(&s, 0);
		if (*s == ' ') {
			s++;
			*first = count_number(&s, 1);
		}
		return *total >= 0 && *s == '\0';
	}
	if (*s == '#') {
		*first = count_number(&s, 1);
		if (*first < 0 || strncmp(s, " / ", 3) != 0)
			return 0;
		s += 3;
	}
	*total = count_number(&s, 0);
	return *total >= 0 && strcasecmp(s, " Total") == 0;
}

void
finviz_text_link(struct finviz_text *out, const char *href)
{
	const char *p = strchr(href, '?');

	finviz_text_clear(out);
	for (; p != NULL && *p != '\0'; p = strpbrk(p, "&;")) {
		p++;
		if (strncmp(p, "t=", 2) == 0) {
			finviz_text_add(out, p + 2, strcspn(p + 2, "&#"));
			return;
		}
	}
}

int64_t
finviz_text_ts(const char *s)
{
	int64_t lines = 0;
	size_t n;

	s += strspn(s, " ");
	if (strncmp(s, "TS", 2) != 0 || (s[2] != '\r' && s[2] != '\n'))
		return -1;
	for (s += strcspn(s, "\r\n"); *s != '\0'; s += n) {
		s += strspn(s, "\r\n \t");
		n = strcspn(s, "\r\n");
		/* "TEN|11.3|1186" is a row. */
		if (n == 0 || (strncmp(s, "TE", 2) == 0 && s[2] != '|' &&
				  strspn(s + 2, " \t") == n - 2))
			break;
		lines++;
	}
	return lines;
}

const char *
finviz_attribute(const unsigned char **atts, const char *name)
{
	for (; atts != NULL && atts[0] != NULL; atts += 2)
		if (atts[0][0] == (unsigned char)name[0] &&
		    strcmp((const char *)atts[0], name) == 0)
			return atts[1] == NULL ? "" : (const char *)atts[1];
	return NULL;
}

int
finviz_has_word(const char *list, const char *word)
{
	size_t n = strlen(word), len;

	for (; list != NULL && *list != '\0'; list += len) {
		list += strspn(list, BLANK);
		len = strcspn(list, BLANK);
		if (len == n && memcmp(list, word, n) == 0)
			return 1;
	}
	return 0;
}

int
finviz_bad_reference(const char *s, size_t n)
{
	char digits[12] = "";
	const char *p = digits;
	unsigned long c;
	size_t len = 0;
	char *end;

	if (n < 3 || s[1] != '#')
		return 0;
	while (len + 1 < sizeof(digits) && len + 2 < n && s[len + 2] != ';' &&
	       isalnum((unsigned char)s[len + 2])) {
		digits[len] = s[len + 2];
		len++;
	}
	if (*p == 'x' || *p == 'X')
		p++;
	if (!isxdigit((unsigned char)*p))
		return 0;
	c = strtoul(p, &end, p == digits ? 10 : 16);
	return (c < 0x20 && (c < '\t' || c > '\r')) || c == 0x7f ||
	       (c >= 0xd800 && c <= 0xdfff) || (c & 0xfffe) == 0xfffe ||
	       c > 0x10ffff;
}
