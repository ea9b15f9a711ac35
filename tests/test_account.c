/*
 * What the settings say of a source, and that a message never has its key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/account.h"

static struct config
with_keys(void)
{
	static const struct config c = {
		.finviz_auth = "f1n/viz",
		.alphavantage_key = "ALPHA",
		.polygon_key = "p",
		.iex_token = "aa",
		.iex_url = "http://i.test",
		.rate_limit = 2,
		.yahoo_rate_limit = 1,
		.alphavantage_rate_limit = 0.5,
		.alphavantage_day_quota = 25,
		.polygon_minute_quota = 5,
		.iex_rate_limit = 10,
	};

	return c;
}

static void
a_key_is_hidden_wherever_it_stands(void **state)
{
	static const struct {
		const char *source, *text, *want;
	} cases[] = {
		{ "finviz", "f1n/viz", "*******" },
		{ "finviz", "auth=f1n/viz&x", "auth=*******&x" },
		{ "alphavantage", "ALPHA, then ALPHA.", "*****, then *****." },
		{ "alphavantage", "ALPHAALPHA", "**********" },
		{ "alphavantage", "ALPH", "ALPH" },
		{ "alphavantage", "alpha", "alpha" },
		{ "polygon", "apple", "a**le" },
		{ "iex", "aaaaa", "****a" },
		/* of another source: it never goes there */
		{ "alphavantage", "f1n/viz", "f1n/viz" },
		{ "yahoo", "ALPHA f1n/viz", "ALPHA f1n/viz" },
		{ "iex", "", "" },
	};
	struct config c = with_keys();
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s", cases[i].text);
		account_hide(&c, cases[i].source, text);
		assert_string_equal(text, cases[i].want);
	}
	/* Without a key there is nothing to hide. */
	c.finviz_auth[0] = '\0';
	snprintf(text, sizeof(text), "f1n/viz");
	account_hide(&c, "finviz", text);
	assert_string_equal(text, "f1n/viz");
}

static void
a_source_is_off_without_what_it_needs(void **state)
{
	struct config c = with_keys();

	(void)state;
	assert_null(account_lacks(&c, "finviz"));
	assert_null(account_lacks(&c, "alphavantage"));
	assert_null(account_lacks(&c, "polygon"));
	assert_null(account_lacks(&c, "iex"));
	c.iex_url[0] = c.alphavantage_key[0] = c.polygon_key[0] = '\0';
	c.finviz_auth[0] = '\0';
	assert_null(account_lacks(&c, "finviz"));
	assert_null(account_lacks(&c, "yahoo"));
	assert_non_null(
	    strstr(account_lacks(&c, "alphavantage"), "ALPHAVANTAGE_KEY"));
	assert_non_null(strstr(account_lacks(&c, "polygon"), "POLYGON_KEY"));
	assert_non_null(strstr(account_lacks(&c, "iex"), "2024-08-31"));
	c = with_keys();
	c.iex_token[0] = '\0';
	assert_non_null(strstr(account_lacks(&c, "iex"), "IEX_TOKEN"));
}

static void
rates_are_those_of_the_settings(void **state)
{
	struct config c = with_keys();
	enum zone zone = ZONE_UTC;

	(void)state;
	assert_true(account_rate(&c, "finviz") == 2);
	assert_true(account_rate(&c, "yahoo") == 1);
	assert_true(account_rate(&c, "alphavantage") == 0.5);
	assert_true(account_rate(&c, "iex") == 10);
	assert_true(account_rate(&c, "other") == 0);
	assert_int_equal(account_day_quota(&c, "alphavantage", &zone), 25);
	assert_int_equal(zone, ZONE_NEW_YORK);
	zone = ZONE_UTC;
	assert_int_equal(account_day_quota(&c, "polygon", &zone), 0);
	assert_int_equal(zone, ZONE_UTC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_hidden_wherever_it_stands),
		cmocka_unit_test(a_source_is_off_without_what_it_needs),
		cmocka_unit_test(rates_are_those_of_the_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
