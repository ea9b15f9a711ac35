/*
 * README.md says what the tables in the code say.  Where it does not, the
 * test prints the table that belongs there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"
#include "data/field.h"

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);
	size_t n;

	assert_non_null(f);
	assert_non_null(text);
	n = fread(text, 1, (1 << 20) - 1, f);
	assert_true(n > 0);
	fclose(f);
	return text;
}

static void
expect(void (*document)(FILE *))
{
	char *wanted = NULL, *text = slurp("README.md");
	size_t size;
	FILE *f = open_memstream(&wanted, &size);
	int found;

	assert_non_null(f);
	document(f);
	fclose(f);
	found = strstr(text, wanted) != NULL;
	if (!found)
		printf("README.md lacks this:\n%s", wanted);
	free(text);
	free(wanted);
	assert_true(found);
}

static void
settings_are_those_of_the_readme(void **state)
{
	(void)state;
	expect(config_document);
}

static void
fields_are_those_of_the_readme(void **state)
{
	(void)state;
	expect(field_document);
}

static void
every_setting_is_in_the_manual(void **state)
{
	char *manual = slurp("man/stocknity.7"), *printed = NULL, *line;
	static struct config c;
	size_t size;
	FILE *f = open_memstream(&printed, &size);

	(void)state;
	assert_non_null(f);
	config_print(&c, f);
	fclose(f);
	for (line = printed; *line != '\0'; line += strcspn(line, "\n") + 1) {
		char name[64];

		snprintf(
		    name, sizeof(name), "%.*s", (int)strcspn(line, "="), line);
		if (strstr(manual, name) == NULL)
			fail_msg("man/stocknity.7 lacks %s", name);
	}
	free(manual);
	free(printed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_those_of_the_readme),
		cmocka_unit_test(every_setting_is_in_the_manual),
		cmocka_unit_test(fields_are_those_of_the_readme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
