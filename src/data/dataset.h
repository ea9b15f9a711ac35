/*
 * Which datasets there are: an index and a sector, each of a fixed list that
 * includes "Any".  Names are matched without regard to case and answered in
 * their one spelling; the rest of the program compares those by strcmp.
 */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stddef.h>

#include "base/rc.h"

#define DATASET_ANY           "Any"
#define DATASET_DEFAULT_INDEX "S&P 500"
#define DATASET_INDEXES       5
#define DATASET_SECTORS       12 /* the eleven of Finviz, and Any */

/* A dataset; both names are of the lists here, never freed. */
struct dataset {
	const char *index;
	const char *sector;
};

struct dataset_name {
	const char *name;
	const char *finviz; /* its f= code, "" for Any */
};

/* Any stands last in both. */
extern const struct dataset_name dataset_indexes[DATASET_INDEXES];
extern const struct dataset_name dataset_sectors[DATASET_SECTORS];

/*
 * The one spelling of an index or sector.  RC_USAGE where it is unknown: the
 * message lists the allowed values and names the nearest.
 */
enum rc dataset_index(const char *text, const char **out, struct err *e);
enum rc dataset_sector(const char *text, const char **out, struct err *e);

/* The f= code of a name of either list; NULL where it is of neither. */
const char *dataset_finviz(const char *name);

/* The nearest of n words by edit distance (or the one that text begins), NULL
 * where none is near; also for names of fields and sources. */
const char *dataset_nearest(
    const char *text, const char *const *words, size_t n);

#endif
