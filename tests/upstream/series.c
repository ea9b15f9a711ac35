#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "chance.h"
#include "series.h"
#include "text.h"

enum { YEAR_BARS = 252, QUARTER_BARS = 63 };

/* What the walk of one company needs. */
struct walk {
	double price, drift, swing, volume, dividend;
	double bridge; /* chance of the first year, taken out by the bar */
	uint64_t chance, odd;
	size_t phase; /* of the quarter that dividends fall in */
};

/* No weekends, and three holidays that every year has. */
static int
is_trading(int64_t day)
{
	time_t t = (time_t)(day * 86400);
	struct tm tm;

	gmtime_r(&t, &tm);
	if (tm.tm_wday == 0 || tm.tm_wday == 6)
		return 0;
	return !(tm.tm_mon == 0 && tm.tm_mday == 1) &&
	       !(tm.tm_mon == 6 && tm.tm_mday == 4) &&
	       !(tm.tm_mon == 11 && tm.tm_mday == 25);
}

static int
walk_init(struct walk *w, const struct company *c, uint64_t seed)
{
	double year = 5, swing = 1.5, sum = 0;
	uint64_t chance;
	int i;

	*w = (struct walk){ 0 };
	if (!company_figure(c, AT_PRICE, &w->price) || w->price <= 0)
		return 0;
	company_figure(c, AT_46, &year);
	company_figure(c, AT_51, &swing);
	if (company_figure(c, AT_63, &w->volume))
		w->volume *= 1000;
	if (company_figure(c, AT_130, &w->dividend))
		w->dividend = round(w->dividend / 4 * 1000) / 1000;
	w->drift = log1p(fmax(year, -95) / 100) / YEAR_BARS;
	w->swing = swing / 150;
	w->chance = chance_for(seed, company_ticker(c));
	w->odd = chance_for(seed + 1, company_ticker(c));
	w->phase = w->odd % QUARTER_BARS;
	for (chance = w->chance, i = 0; i < YEAR_BARS; i++)
		sum += chance_normal(&chance);
	w->bridge = sum / YEAR_BARS;
	return 1;
}

/* One step back: the logarithm of the price a bar before. */
static double
step_back(struct walk *w, size_t back)
{
	double move = chance_normal(&w->chance);

	/* Beyond the recorded year, only a little growth is assumed. */
	if (back >= YEAR_BARS)
		return -0.0003 + w->swing * move;
	return -w->drift + w->swing * (move - w->bridge);
}

static void
fill_bar(struct bar *b, struct walk *w, size_t back, double log_price,
    double log_before)
{
	uint64_t odd = w->odd + back * 7919;
	double top, bottom;

	b->close = exp(log_price);
	b->open = exp(log_before) * (1 + (chance_real(&odd) - 0.5) / 100);
	top = fmax(b->open, b->close);
	bottom = fmin(b->open, b->close);
	b->high = top * (1 + chance_real(&odd) / 100);
	b->low = bottom * (1 - chance_real(&odd) / 100);
	b->volume = round(w->volume * (0.7 + 0.6 * chance_real(&odd)));
	b->null = chance_below(&odd, 331) == 0;
	if (back == 0)
		b->null = w->odd % 16 == 0;
	if (back % QUARTER_BARS == w->phase)
		b->dividend = w->dividend;
}

/* Dividends after a bar lower what it is worth today. */
static void
adjust(struct bar *bars, size_t n)
{
	double factor = 1;
	size_t i;

	for (i = n; i-- > 0;) {
		bars[i].adjclose = bars[i].close * factor;
		if (i > 0 && bars[i].dividend > 0)
			factor *= 1 - bars[i].dividend / bars[i - 1].close;
	}
}

struct bar *
series_new(const struct company *c, uint64_t seed, int64_t first, int64_t last,
    int64_t today, size_t max, size_t *n)
{
	double log_price, before;
	struct bar *bars;
	struct walk w;
	size_t back = 0, at = max;
	int64_t day;

	*n = 0;
	if (!walk_init(&w, c, seed))
		return NULL;
	bars = mem_new(max * sizeof(*bars));
	log_price = log(w.price);
	for (day = today; day >= first && at > 0; day--) {
		if (!is_trading(day))
			continue;
		before = log_price + step_back(&w, back);
		if (day <= last) {
			bars[--at].day = day;
			fill_bar(&bars[at], &w, back, log_price, before);
		}
		log_price = before;
		back++;
	}
	*n = max - at;
	for (back = 0; back < *n; back++)
		bars[back] = bars[at + back];
	adjust(bars, *n);
	return bars;
}
