#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "sessions.h"
#include "text.h"

enum { SESSIONS = 1024 };

struct session {
	char cookie[COOKIE_SIZE], crumb[CRUMB_SIZE];
};

struct sessions {
	pthread_mutex_t lock;
	uint64_t chance;
	size_t opened;
	struct session all[SESSIONS]; /* number i at i % SESSIONS */
};

struct sessions *
sessions_new(uint64_t seed)
{
	struct sessions *s = mem_new(sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->chance = chance_for(seed, "sessions");
	return s;
}

void
sessions_free(struct sessions *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Always with the two characters that clients forget to encode. */
static void
make_crumb(uint64_t *chance, char crumb[CRUMB_SIZE])
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t i;

	for (i = 0; i < CRUMB_SIZE - 1; i++)
		crumb[i] = letters[chance_below(chance, sizeof(letters) - 1)];
	crumb[i] = '\0';
	crumb[1 + chance_below(chance, 4)] = '/';
	crumb[6 + chance_below(chance, 4)] = '.';
}

void
sessions_open(struct sessions *s, char cookie[COOKIE_SIZE])
{
	struct session *one;

	pthread_mutex_lock(&s->lock);
	one = &s->all[s->opened++ % SESSIONS];
	snprintf(one->cookie, sizeof(one->cookie),
	    "d=AQABB%016" PRIx64 "&S=AQAAA%08" PRIx32, chance_next(&s->chance),
	    (uint32_t)chance_next(&s->chance));
	make_crumb(&s->chance, one->crumb);
	memcpy(cookie, one->cookie, COOKIE_SIZE);
	pthread_mutex_unlock(&s->lock);
}

/* The value of cookie A3 in the header, and its length; NULL without. */
static const char *
find_cookie(const char *header, size_t *len)
{
	const char *s = header;

	while (s != NULL) {
		s += strspn(s, "; ");
		if (strncmp(s, "A3=", 3) == 0) {
			*len = strcspn(s + 3, "; ");
			return s + 3;
		}
		s = strchr(s, ';');
	}
	return NULL;
}

/* The session of the header, with the lock held; NULL and *why without. */
static struct session *
find_session(struct sessions *s, const char *header, enum session_state *why)
{
	size_t i, len, n = s->opened < SESSIONS ? s->opened : SESSIONS;
	const char *cookie = find_cookie(header, &len);

	*why = cookie == NULL ? SESSION_NO_COOKIE : SESSION_BAD_COOKIE;
	for (i = 0; cookie != NULL && i < n; i++)
		if (strlen(s->all[i].cookie) == len &&
		    memcmp(s->all[i].cookie, cookie, len) == 0) {
			*why = SESSION_GOOD;
			return &s->all[i];
		}
	return NULL;
}

enum session_state
sessions_crumb(struct sessions *s, const char *header, char crumb[CRUMB_SIZE])
{
	enum session_state state;
	const struct session *one;

	pthread_mutex_lock(&s->lock);
	one = find_session(s, header, &state);
	if (one != NULL)
		memcpy(crumb, one->crumb, CRUMB_SIZE);
	pthread_mutex_unlock(&s->lock);
	return state;
}

enum session_state
sessions_check(struct sessions *s, const char *header, const char *crumb)
{
	char good[CRUMB_SIZE];
	enum session_state state = sessions_crumb(s, header, good);

	if (state == SESSION_GOOD && strcmp(good, crumb) != 0)
		state = SESSION_BAD_CRUMB;
	return state;
}

void
sessions_void_crumb(struct sessions *s, const char *header)
{
	enum session_state state;
	struct session *one;

	pthread_mutex_lock(&s->lock);
	one = find_session(s, header, &state);
	if (one != NULL)
		make_crumb(&s->chance, one->crumb);
	pthread_mutex_unlock(&s->lock);
}

void
sessions_clear(struct sessions *s)
{
	pthread_mutex_lock(&s->lock);
	s->opened = 0;
	pthread_mutex_unlock(&s->lock);
}
