#include "market.h"
#include "markup.h"

void
finviz_screener(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	struct screen_query q = {
		.path = rq->path,
		.v = request_arg(rq, "v"),
		.f = request_arg(rq, "f"),
		.o = request_arg(rq, "o"),
		.r = request_arg(rq, "r"),
		.c = request_arg(rq, "c"),
		.t = request_arg(rq, "t"),
	};
	struct page p;

	answer_set(a, 200, "text/html; charset=utf-8", "");
	screen_page(&p, &w->market, &q, w->opt.era, fault);
	if (p.strange)
		markup_layout(&a->body, &p);
	else if (w->opt.era == 2021)
		markup_2021(&a->body, &p);
	else
		markup_2026(&a->body, &p);
	page_free(&p);
}
