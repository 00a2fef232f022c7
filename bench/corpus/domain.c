#include "corpus/domain.h"

#include <string.h>

#define BLOCK_FIRST (UINT32_C(100) << 24 | UINT32_C(64) << 16)  /* 100.64.0.0/10, a /16 for each provider */
#define OWN_FIRST (UINT32_C(198) << 24 | UINT32_C(18) << 16)    /* 198.18.0.0/15, 8 addresses for each domain */
#define OWN_DOMAINS 16384
#define STRING_OCTETS_MAX 255 /* of one character-string of a TXT record */

/*
 * Keys are numbered by domain; few large ones are made, because their primes take long to find. Several domains
 * share one then, which costs a verifier the same but for the places in its key cache.
 */
static const unsigned keys_max[KEY_KINDS] = { 4950, 1000000, 28, 1000000 };

static void word_of(uint64_t number, char *out)
{
	static const char syllables[64][3] = {
		"ba", "be", "bi", "bo", "bu", "ca", "co", "cu", "da", "de", "di", "do", "du", "fa", "fe", "fi",
		"fo", "ga", "go", "ha", "he", "hi", "ho", "ja", "jo", "ka", "ke", "ki", "ko", "ku", "la", "le",
		"li", "lo", "lu", "ma", "me", "mi", "mo", "mu", "na", "ne", "ni", "no", "nu", "pa", "pe", "pi",
		"po", "ra", "re", "ri", "ro", "ru", "sa", "se", "si", "so", "ta", "te", "ti", "to", "va", "ve",
	};

	/* An odd factor permutes the numbers below 2^24: neighbours do not look alike. */
	number = number * 11400713 & 0xffffff;
	for (int i = 0; i < 4; i++, number >>= 6)
		memcpy(out + 2 * i, syllables[number & 63], 2);
	out[8] = 0;
}

static void name_make(struct domain *domain, struct prng *prng)
{
	static const char *const apexes[] = { "test", "test", "test", "test", "test", "test", "example", "example",
		                              "example", "co.test" };
	static const char *const tails[] = { "", "", "", "-mail", "-group", "shop", "bank", "-online", "cloud", "media" };
	char word[9];

	word_of(domain->number, word);
	snprintf(domain->name, sizeof(domain->name), "%s%s.%s", word, tails[prng_below(prng, 10)],
	         apexes[prng_below(prng, 10)]);
}

/* An index drawn by weights that sum to 100. */
static unsigned draw(struct prng *prng, const unsigned *weights)
{
	unsigned at = (unsigned)prng_below(prng, 100), index = 0;

	while (at >= weights[index])
		at -= weights[index++];
	return index;
}

static void dmarc_make(struct dmarc_policy *dmarc, struct prng *prng)
{
	static const unsigned weights[] = { 28, 34, 16, 22 };
	unsigned kind = draw(prng, weights);

	dmarc->published = kind > 0;
	dmarc->p = kind > 1 ? (enum policy)(kind - 1) : POLICY_NONE;
	dmarc->has_sp = prng_chance(prng, 25);
	dmarc->sp = (enum policy)prng_below(prng, 3);
	dmarc->has_np = prng_chance(prng, 5);
	dmarc->np = POLICY_REJECT;
	dmarc->adkim_strict = prng_chance(prng, 6);
	dmarc->aspf_strict = prng_chance(prng, 6);
	dmarc->testing = prng_chance(prng, 3);
}

struct domain domain_of(uint64_t seed, unsigned number)
{
	static const unsigned shapes[] = { 46, 17, 14, 8, 9, 5, 1 }, kinds[] = { 9, 87, 4 };
	static const char *const selectors[] = { "s1", "s2", "default", "google", "selector1", "k1", "mail", "20240607" };
	struct domain domain = { .seed = seed, .number = number };
	struct prng prng;

	prng_init(&prng, seed, "domain", number);
	name_make(&domain, &prng);
	domain.shape = (enum spf_shape)draw(&prng, shapes);
	domain.all = "--~~~~~~-?"[prng_below(&prng, 10)];
	domain.providers_count = prng_between(&prng, 1, 2);
	domain.providers[0] = (unsigned)prng_below(&prng, PROVIDERS);
	domain.providers[1] = (domain.providers[0] + prng_between(&prng, 1, PROVIDERS - 1)) % PROVIDERS;
	domain.own_ip = OWN_FIRST + number % OWN_DOMAINS * 8 + 1;
	domain.listed = prng_between(&prng, 1, 14);
	domain.has_v6 = prng_chance(&prng, 20);
	domain.key = (enum key_kind)draw(&prng, kinds);
	domain.key_number = (number + PROVIDERS + 1) % keys_max[domain.key];
	domain.has_ed25519 = prng_chance(&prng, 5);
	snprintf(domain.selector, sizeof(domain.selector), "%s", selectors[prng_below(&prng, 8)]);
	dmarc_make(&domain.dmarc, &prng);
	return domain;
}

struct provider provider_of(uint64_t seed, unsigned number)
{
	struct provider provider = { .number = number };
	struct prng prng;
	char word[9];

	prng_init(&prng, seed, "provider", number);
	word_of(number + 0xf00000, word);
	snprintf(provider.name, sizeof(provider.name), "%s-esp.%s", word, number % 2 ? "test" : "example");
	provider.blocks = prng_between(&prng, 1, 3);
	for (int i = 0; i < 3; i++)
		provider.ranges[i] = prng_between(&prng, 4, 14);
	provider.has_v6 = prng_chance(&prng, 60);
	snprintf(provider.selector, sizeof(provider.selector), "esp%u", number % 3 + 1);
	provider.key_number = number;
	return provider;
}

/* --- addresses --- */

const char *spf_all_word(char all)
{
	return all == '-' ? "fail" : all == '~' ? "softfail" : "neutral";
}

const char *domain_spf_miss(const struct domain *domain)
{
	switch (domain->shape) {
	case SPF_ABSENT: return "none";
	case SPF_TWICE: return "permerror";
	case SPF_REDIRECT: return "softfail";
	default: return spf_all_word(domain->all);
	}
}

static void ip_text(uint32_t ip, char *text, size_t size)
{
	snprintf(text, size, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static uint32_t range_of(const struct provider *provider, unsigned block, unsigned range)
{
	return BLOCK_FIRST + (provider->number << 16) + (block * 16 + range) * 1024;
}

void provider_client(const struct provider *provider, struct prng *prng, char *text, size_t size)
{
	unsigned block = (unsigned)prng_below(prng, provider->blocks);
	unsigned range = (unsigned)prng_below(prng, provider->ranges[block]);
	unsigned host = prng_between(prng, 1, 1000);

	if (provider->has_v6 && prng_chance(prng, 15))
		snprintf(text, size, "2001:db8:f0%02x:%x::%x", provider->number, range, host);
	else
		ip_text(range_of(provider, block, range) + host, text, size);
}

void domain_client(const struct domain *domain, struct prng *prng, char *text, size_t size)
{
	bool includes = domain->shape == SPF_INCLUDES || domain->shape == SPF_REDIRECT ||
	                (domain->shape == SPF_MIXED && prng_chance(prng, 50));
	unsigned which = domain->shape == SPF_INCLUDES ? (unsigned)prng_below(prng, domain->providers_count) : 0;
	struct provider provider = provider_of(domain->seed, domain->providers[which]);

	if (includes)
		provider_client(&provider, prng, text, size);
	else if (domain->shape == SPF_LIST && domain->has_v6 && prng_chance(prng, 40))
		snprintf(text, size, "2001:db8:%x:%x::25", domain->number >> 12, domain->number & 0xfff);
	else
		ip_text(domain->own_ip, text, size);
}

/* --- zones --- */

const char *policy_word(enum policy policy)
{
	static const char *const words[] = { "none", "quarantine", "reject" };

	return words[policy];
}

/* In character-strings of 255 octets at most, as long records are published. */
static void txt_write(FILE *out, const char *owner, const char *text)
{
	fprintf(out, "%s. 3600 IN TXT", owner);
	do {
		fprintf(out, " \"%.*s\"", STRING_OCTETS_MAX, text);
		text += strlen(text) < STRING_OCTETS_MAX ? strlen(text) : STRING_OCTETS_MAX;
	} while (*text);
	fputc('\n', out);
}

static void a_write(FILE *out, const char *owner, uint32_t ip)
{
	char text[16];

	ip_text(ip, text, sizeof(text));
	fprintf(out, "%s. 3600 IN A %s\n", owner, text);
}

/* "HEAD.NAME"; valid until the next call but three. */
static const char *below(const char *head, const char *name)
{
	static char names[4][DOMAIN_NAME_SIZE * 2];
	static unsigned turn;
	char *at = names[turn++ % 4];

	snprintf(at, sizeof(names[0]), "%s.%s", head, name);
	return at;
}

static void key_write(FILE *out, struct key_pool *pool, const char *selector, const char *name, enum key_kind kind,
                      unsigned number)
{
	struct octets text = { NULL, 0, 0 };
	char head[48];

	octets_format(&text, "v=DKIM1; k=%s; p=", kind == KEY_ED25519 ? "ed25519" : "rsa");
	key_public(pool, kind, number, &text);
	snprintf(head, sizeof(head), "%s._domainkey", selector);
	txt_write(out, below(head, name), (const char *)text.at);
	octets_free(&text);
}

static void dmarc_write(FILE *out, const char *name, const struct dmarc_policy *dmarc)
{
	struct octets text = { NULL, 0, 0 };

	if (!dmarc->published)
		return;
	octets_format(&text, "v=DMARC1; p=%s", policy_word(dmarc->p));
	if (dmarc->has_sp)
		octets_format(&text, "; sp=%s", policy_word(dmarc->sp));
	if (dmarc->has_np)
		octets_format(&text, "; np=%s", policy_word(dmarc->np));
	octets_format(&text, "; rua=mailto:dmarc@%s", name);
	if (dmarc->adkim_strict)
		octets_text(&text, "; adkim=s");
	if (dmarc->aspf_strict)
		octets_text(&text, "; aspf=s");
	if (dmarc->testing)
		octets_text(&text, "; t=y");
	octets_text(&text, "; fo=1");
	txt_write(out, below("_dmarc", name), (const char *)text.at);
	octets_free(&text);
}

static void ranges_text(const struct provider *provider, unsigned block, struct octets *out)
{
	for (unsigned range = 0; range < provider->ranges[block]; range++) {
		char ip[16];

		ip_text(range_of(provider, block, range), ip, sizeof(ip));
		octets_format(out, " ip4:%s/22", ip);
	}
	if (block == 0 && provider->has_v6)
		octets_format(out, " ip6:2001:db8:f0%02x::/48", provider->number);
}

static void provider_spf(FILE *out, const struct provider *provider)
{
	struct octets top = { NULL, 0, 0 };

	octets_text(&top, "v=spf1");
	if (provider->blocks == 1)
		ranges_text(provider, 0, &top);
	for (unsigned block = 0; provider->blocks > 1 && block < provider->blocks; block++) {
		struct octets text = { NULL, 0, 0 };
		char head[32];

		snprintf(head, sizeof(head), "_netblocks%u", block + 1);
		octets_format(&top, " include:%s.%s", head, provider->name);
		octets_text(&text, "v=spf1");
		ranges_text(provider, block, &text);
		octets_text(&text, " ~all");
		txt_write(out, below(head, provider->name), (const char *)text.at);
		octets_free(&text);
	}
	octets_text(&top, " ~all");
	txt_write(out, below("_spf", provider->name), (const char *)top.at);
	octets_free(&top);
}

void provider_zone(const struct provider *provider, struct key_pool *pool, FILE *out)
{
	const struct dmarc_policy dmarc = { .published = true, .p = POLICY_REJECT };
	char text[DOMAIN_NAME_SIZE + 32];

	provider_spf(out, provider);
	snprintf(text, sizeof(text), "v=spf1 redirect=_spf.%s", provider->name);
	txt_write(out, below("bounces", provider->name), text);
	snprintf(text, sizeof(text), "v=spf1 include:_spf.%s -all", provider->name);
	txt_write(out, provider->name, text);
	for (unsigned host = 0; host < PROVIDER_HOSTS; host++) {
		char head[8];

		snprintf(head, sizeof(head), "out%u", host);
		a_write(out, below(head, provider->name), range_of(provider, 0, 0) + host + 1);
	}
	key_write(out, pool, provider->selector, provider->name, KEY_RSA_2048, provider->key_number);
	txt_write(out, below(REVOKED_SELECTOR "._domainkey", provider->name), "v=DKIM1; k=rsa; p=");
	dmarc_write(out, provider->name, &dmarc);
}

static void spf_text(const struct domain *domain, struct octets *out)
{
	unsigned includes = domain->shape == SPF_INCLUDES ? domain->providers_count : domain->shape == SPF_MIXED;
	char ip[16];

	octets_text(out, "v=spf1");
	if (domain->shape == SPF_OWN || domain->shape == SPF_MIXED)
		octets_text(out, " a mx");
	for (unsigned i = 0; i < includes; i++)
		octets_format(out, " include:_spf.%s", provider_of(domain->seed, domain->providers[i]).name);
	if (domain->shape == SPF_REDIRECT) {
		octets_format(out, " redirect=_spf.%s", provider_of(domain->seed, domain->providers[0]).name);
		return;
	}
	/* Other machines first, the sending one last: a reader goes through the list. */
	for (unsigned i = 0; domain->shape == SPF_LIST && i < domain->listed; i++) {
		ip_text(OWN_FIRST + (domain->number * 7 + i * 13) % OWN_DOMAINS * 8, ip, sizeof(ip));
		octets_format(out, i % 3 ? " ip4:%s" : " ip4:%s/31", ip);
	}
	if (domain->shape == SPF_LIST && domain->has_v6)
		octets_format(out, " ip6:2001:db8:%x:%x::/64", domain->number >> 12, domain->number & 0xfff);
	if (domain->shape != SPF_INCLUDES) {
		ip_text(domain->own_ip, ip, sizeof(ip));
		octets_format(out, " ip4:%s", ip);
	}
	octets_format(out, " %call", domain->all);
}

/* Records of other services, which stand beside SPF's in most domains. */
static void other_txt(const struct domain *domain, FILE *out)
{
	struct prng prng;

	prng_init(&prng, domain->seed, "tokens", domain->number);
	for (unsigned i = prng_between(&prng, 0, 4); i > 0; i--) {
		struct octets text = { NULL, 0, 0 };
		uint8_t token[32];

		prng_octets(&prng, token, sizeof(token));
		octets_format(&text, "service%u-site-verification=", prng_between(&prng, 1, 9));
		octets_base64(&text, token, sizeof(token));
		txt_write(out, domain->name, (const char *)text.at);
		octets_free(&text);
	}
}

static void hosts_write(const struct domain *domain, FILE *out)
{
	fprintf(out, "%s. 3600 IN MX 10 mx1.%s.\n%s. 3600 IN MX 20 mx2.%s.\n", domain->name, domain->name, domain->name,
	        domain->name);
	a_write(out, below("mail", domain->name), domain->own_ip);
	a_write(out, below("mx1", domain->name), domain->own_ip + 1);
	a_write(out, below("mx2", domain->name), domain->own_ip + 2);
	a_write(out, domain->name, domain->own_ip + 3);
	a_write(out, below("news", domain->name), domain->own_ip + 4);
}

void domain_zone(const struct domain *domain, struct key_pool *pool, FILE *out)
{
	struct provider provider = provider_of(domain->seed, domain->providers[0]);
	struct octets text = { NULL, 0, 0 };
	char through[DOMAIN_NAME_SIZE + 32];

	spf_text(domain, &text);
	if (domain->shape != SPF_ABSENT)
		txt_write(out, domain->name, (const char *)text.at);
	if (domain->shape == SPF_TWICE)
		txt_write(out, domain->name, "v=spf1 a -all");
	octets_free(&text);
	other_txt(domain, out);
	hosts_write(domain, out);
	snprintf(through, sizeof(through), "v=spf1 include:_spf.%s -all", provider.name);
	txt_write(out, below("news", domain->name), through);
	txt_write(out, below("bounce", domain->name), through);
	txt_write(out, below("mail", domain->name), "v=spf1 a -all");
	key_write(out, pool, domain->selector, domain->name, domain->key, domain->key_number);
	if (domain->has_ed25519)
		key_write(out, pool, ED25519_SELECTOR, domain->name, KEY_ED25519, domain->key_number);
	txt_write(out, below(REVOKED_SELECTOR "._domainkey", domain->name), "v=DKIM1; k=rsa; p=");
	dmarc_write(out, domain->name, &domain->dmarc);
}

void cold_zone(struct key_pool *pool, FILE *out)
{
	struct octets key = { NULL, 0, 0 };

	octets_text(&key, "v=DKIM1; k=rsa; p=");
	key_public(pool, KEY_RSA_2048, COLD_KEY_NUMBER, &key);
	txt_write(out, "*." COLD_PARENT, "v=spf1 ip4:" COLD_CLIENT " -all");
	txt_write(out, "*." COLD_PARENT, "v=DMARC1; p=reject");
	txt_write(out, "*." COLD_PARENT, (const char *)key.at);
	octets_free(&key);
}
