#ifndef UPSTREAM_TEXT_H
#define UPSTREAM_TEXT_H

#include <stddef.h>

/*
 * Bytes that grow, always with a NUL after the last.  Zero is a valid empty
 * text.  Running out of memory ends the program: this is a test server, and
 * nothing of it is worth saving then.
 */
struct text {
	char *s;
	size_t len, cap;
};

void text_add(struct text *, const char *s);
void text_addn(struct text *, const char *s, size_t n);
void text_addf(struct text *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Shorten to len bytes. */
void text_cut(struct text *, size_t len);

/* Add s for an HTML attribute: & < > " become entities. */
void text_attr(struct text *, const char *s);

/* Add s as a JSON string with its quotes; bytes above 127 pass as they are. */
void text_json(struct text *, const char *s);

/* Add a number as Java's Double.toString writes it: 245.0, 3.6063E11. */
void text_java(struct text *, double);

void text_free(struct text *);

/* malloc and strdup that cannot fail. */
void *mem_new(size_t size);
char *mem_dup(const char *s);

#endif
