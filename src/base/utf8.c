#include "base/utf8.h"

/* Second bytes are narrower after these first ones (RFC 3629, section 4). */
static const struct {
	unsigned char first, low, high;
} narrow[] = {
	{ 0xe0, 0xa0, 0xbf },
	{ 0xed, 0x80, 0x9f },
	{ 0xf0, 0x90, 0xbf },
	{ 0xf4, 0x80, 0x8f },
};

size_t
utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		if (narrow[i].first == p[0]) {
			low = narrow[i].low;
			high = narrow[i].high;
		}
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}
