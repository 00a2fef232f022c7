/*
 * Goal:   check_host() of RFC 7208 over scripted DNS answers; a fault is never a pass; waiting changes nothing.
 * Method: one zone, and tables of messages with the verdict, the mechanism, the reason: faults and limits first.
 *         Each message is checked twice, with every question pending at first and with all answers at hand, and
 *         everything in the result must be equal. Then what is asked, when; then every allocation fails.
 */
#include "proto/spf/limits.h"
#include "proto/spf/spf.h"
#include "unit.h"
#include "world.h"

#include <stdlib.h>

static const struct spf_config defaults = { .lookups_max = SPF_LOOKUPS_DEFAULT,
					    .void_lookups_max = SPF_VOID_LOOKUPS_DEFAULT };

static const struct {
	const char *name;
	enum dns_type type;
	const char *value;
} zone[] = {
	/* RFC 7208 appendix A.1, without its faulty wildcard */
	{ "example.com", DNS_A, "192.0.2.10" },
	{ "example.com", DNS_A, "192.0.2.11" },
	{ "example.com", DNS_MX, "mail-a.example.com" },
	{ "example.com", DNS_MX, "mail-b.example.com" },
	{ "amy.example.com", DNS_A, "192.0.2.65" },
	{ "bob.example.com", DNS_A, "192.0.2.66" },
	{ "mail-a.example.com", DNS_A, "192.0.2.129" },
	{ "mail-b.example.com", DNS_A, "192.0.2.130" },
	{ "example.org", DNS_MX, "mail-c.example.org" },
	{ "mail-c.example.org", DNS_A, "192.0.2.140" },
	{ "10.2.0.192.in-addr.arpa", DNS_PTR, "example.com" },
	{ "65.2.0.192.in-addr.arpa", DNS_PTR, "amy.example.com" },
	{ "140.2.0.192.in-addr.arpa", DNS_PTR, "mail-c.example.org" },
	{ "4.0.0.10.in-addr.arpa", DNS_PTR, "bob.example.com" }, /* a lie */

	{ "temp.example", DNS_TXT, NULL }, /* NULL: a time-out */
	{ "temp.example", DNS_A, NULL },
	{ "temp.example", DNS_MX, NULL },
	{ "temp-mx.example", DNS_MX, "temp.example" },
	{ "temp-mx.example", DNS_MX, "mail-a.example.com" },
	{ "99.2.0.192.in-addr.arpa", DNS_PTR, NULL },
	{ "98.2.0.192.in-addr.arpa", DNS_PTR, "temp.example" },
	{ "98.2.0.192.in-addr.arpa", DNS_PTR, "host98.example" },
	{ "host98.example", DNS_A, "192.0.2.98" },

	{ "text.example", DNS_TXT, "no policy" },
	{ "several.example", DNS_TXT, "v=spf1 -all" },
	{ "several.example", DNS_TXT, "V=SPF1 +all" },
	{ "syntax.example", DNS_TXT, "v=spf1 +all moo" },
	{ "pass.example", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all" },
	{ "fail.example", DNS_TXT, "v=spf1 -all" },
	{ "softfail.example", DNS_TXT, "v=spf1 ~all" },
	{ "neutral.example", DNS_TXT, "v=spf1 ?all" },
	{ "empty.example", DNS_TXT, "v=spf1" },
	{ "v4only.example", DNS_A, "192.0.2.1" },
	{ "v6.example", DNS_AAAA, "2001:db8::1" },
	{ "null-mx.example", DNS_MX, "" },

	{ "inc-fail.example", DNS_TXT,
	  "v=spf1 include:fail.example include:softfail.example include:neutral.example +all" },
	{ "inc-none.example", DNS_TXT, "v=spf1 include:text.example +all" },
	{ "inc-nx.example", DNS_TXT, "v=spf1 include:nx.example +all" },
	{ "inc-temp.example", DNS_TXT, "v=spf1 include:temp.example +all" },
	{ "inc-perm.example", DNS_TXT, "v=spf1 include:syntax.example +all" },
	{ "inc-label.example", DNS_TXT, "v=spf1 include:%{d1} +all" },
	{ "inc-bad.example", DNS_TXT, "v=spf1 include:a..example +all" },
	{ "inc-neg.example", DNS_TXT, "v=spf1 -include:pass.example +all" },
	{ "inc-2.example", DNS_TXT, "v=spf1 include:inc-1.example -all" },
	{ "inc-1.example", DNS_TXT, "v=spf1 include:pass.example -all" },
	{ "loop.example", DNS_TXT, "v=spf1 include:loop.example +all" },
	{ "red-loop.example", DNS_TXT, "v=spf1 redirect=red-loop.example" },
	{ "red-none.example", DNS_TXT, "v=spf1 redirect=text.example" },
	{ "red-bad.example", DNS_TXT, "v=spf1 redirect=a..example" },
	{ "red-temp.example", DNS_TXT, "v=spf1 redirect=temp.example" },
	{ "red.example", DNS_TXT, "v=spf1 ip4:10.0.0.1 redirect=pass.example" },
	{ "red-all.example", DNS_TXT, "v=spf1 redirect=pass.example ?all" },

	{ "a-temp.example", DNS_TXT, "v=spf1 a:temp.example +all" },
	{ "mx-temp.example", DNS_TXT, "v=spf1 mx:temp.example +all" },
	{ "mxhost-temp.example", DNS_TXT, "v=spf1 mx:temp-mx.example +all" },
	{ "exists-temp.example", DNS_TXT, "v=spf1 exists:temp.example +all" },
	{ "ptr.example", DNS_TXT, "v=spf1 ptr:%{d1} ptr:com -all" }, /* faulty: "com" is no domain-spec */
	{ "ptr-com.example", DNS_TXT, "v=spf1 ptr:example.com -all" },
	{ "ptr-98.example", DNS_TXT, "v=spf1 ptr:host98.example -all" },
	{ "a-bad.example", DNS_TXT, "v=spf1 a:a..example mx:a..example exists:a\\b.example ?all" },
	{ "a-cidr.example", DNS_TXT, "v=spf1 a:amy.example.com/26//0 -all" },
	{ "mx.example", DNS_TXT, "v=spf1 mx:example.org -all" },
	{ "mx-null.example", DNS_TXT, "v=spf1 mx:null-mx.example mx:null-mx.example mx:null-mx.example -all" },
	{ "mx-self.example", DNS_TXT, "v=spf1 mx -all" },
	{ "mx-self.example", DNS_A, "192.0.2.1" },
	{ "exists.example", DNS_TXT, "v=spf1 exists:v4only.example -all" },
	{ "exists-v6.example", DNS_TXT, "v=spf1 exists:v6.example -all" },
	{ "mapped.example", DNS_TXT, "v=spf1 ip6:::ffff:192.0.2.1 -ip4:192.0.2.1 ?all" },

	{ "void2.example", DNS_TXT, "v=spf1 a:nx1.example mx:v4only.example +all" },
	{ "void3.example", DNS_TXT, "v=spf1 a:nx1.example a:v6.example exists:nx3.example +all" },
	{ "void-last.example", DNS_TXT, "v=spf1 a:nx1.example a:nx2.example exists:nx3.example" },
	{ "void-inc.example", DNS_TXT, "v=spf1 a:nx1.example include:void2.example +all" },
	{ "void-mx.example", DNS_TXT, "v=spf1 mx:v4mx.example mx:v4mx.example mx:v4mx.example -all" },
	{ "v4mx.example", DNS_MX, "v4only.example" },
	{ "v4mx.example", DNS_MX, "nx1.example" },
	{ "void-ptr.example", DNS_TXT, "v=spf1 ptr:example.com ptr:example.com ptr:example.com +all" },
	{ "look10.example", DNS_TXT,
	  "v=spf1 a:v4only.example a:v4only.example a:v4only.example a:v4only.example "
	  "a:v4only.example mx:example.org ptr:example.net exists:nx.example "
	  "include:fail.example redirect=red.example" },
	{ "look11.example", DNS_TXT,
	  "v=spf1 a:v4only.example a:v4only.example a:v4only.example a:v4only.example "
	  "a:v4only.example mx:example.org exists:nx.example include:fail.example "
	  "include:fail.example include:inc-1.example +all" },
	{ "look-last.example", DNS_TXT, "v=spf1 include:look9.example a:example.com" },
	{ "look9.example", DNS_TXT,
	  "v=spf1 a:v4only.example a:v4only.example a:v4only.example a:v4only.example "
	  "a:v4only.example a:v4only.example a:v4only.example a:v4only.example "
	  "a:v4only.example -all" },

	{ "local.example", DNS_TXT,
	  "v=spf1 exists:%{l}.users.example exists:%{S}.users.example include:%{l}.users.example "
	  "-all" },
	{ "exp-local.example", DNS_TXT, "v=spf1 exists:%{l}.users.example -all exp=why.local.example" },
	{ "bob.users.example", DNS_A, "127.0.0.2" },
	{ "why.local.example", DNS_TXT, "%{l} may not" },
	{ "red-local.example", DNS_TXT, "v=spf1 redirect=%{l}.users.example" },
	{ "helo.example", DNS_TXT, "v=spf1 exists:%{h}.seen.example -all" },
	{ "mx.helo.example.seen.example", DNS_A, "127.0.0.2" },
	{ "xn--bcher-kva.example", DNS_TXT, "v=spf1 exists:%{o}.%{d}.users.example -all" },
	{ "xn--bcher-kva.example.xn--bcher-kva.example.users.example", DNS_A, "127.0.0.2" },
	{ "p.example", DNS_TXT, "v=spf1 exists:%{p}.ok.example -all" },
	{ "amy.example.com.ok.example", DNS_A, "127.0.0.2" },
	{ "unknown.ok.example", DNS_A, "127.0.0.2" },
	{ "p-limit.example", DNS_TXT,
	  "v=spf1 a:v4only.example a:v4only.example a:v4only.example a:v4only.example "
	  "a:v4only.example a:v4only.example a:v4only.example a:v4only.example "
	  "a:v4only.example exists:%{p}.ok.example ?all" },

	{ "exp.example", DNS_TXT, "v=spf1 exp=why.%{d} -all" },
	{ "why.exp.example", DNS_TXT, "%{i} is not one of %{d}'s designated mail servers; ask %{r}, HELO %{h}" },
	{ "exp-inc.example", DNS_TXT, "v=spf1 -include:exp-pass.example +all" },
	{ "exp-pass.example", DNS_TXT, "v=spf1 exp=why.exp.example +all" },
	{ "exp-red.example", DNS_TXT, "v=spf1 exp=why2.exp.example redirect=exp.example" },
	{ "exp-long.example", DNS_TXT, "v=spf1 -all exp=long.exp.example" },
	{ "long.exp.example", DNS_TXT,
	  "%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}"
	  "%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}%{d}" },
	{ "exp-soft.example", DNS_TXT, "v=spf1 ~all exp=why.exp.example" },
	{ "exp-bad.example", DNS_TXT, "v=spf1 -all exp=bad.exp.example" },
	{ "bad.exp.example", DNS_TXT, "100% wrong" },
	{ "exp-two.example", DNS_TXT, "v=spf1 -all exp=two.exp.example" },
	{ "two.exp.example", DNS_TXT, "one" },
	{ "two.exp.example", DNS_TXT, "two" },
	{ "exp-name.example", DNS_TXT, "v=spf1 -all exp=%{p}.exp.example" },
	{ "unknown.exp.example", DNS_TXT, "who are you?" },
	{ "exp-temp.example", DNS_TXT, "v=spf1 -all exp=temp.example" },
	{ "exp-p.example", DNS_TXT, "v=spf1 -all exp=p.exp.example" },
	{ "p.exp.example", DNS_TXT, "you are %{p}" },
	{ "long-name.example", DNS_TXT,
	  "v=spf1 exists:%{d}.%{d}.%{d}.%{d}.%{d}.%{d}.%{d}.%{d}.%{d}.%{d}.%{d}.%{d}.%{d}."
	  "%{d}.%{d}.%{d}.users.example -all" },
};

static void zone_load(struct world *world)
{
	for (size_t i = 0; i < COUNT_OF(zone); i++) {
		if (!zone[i].value)
			world_outcome(world, zone[i].name, zone[i].type, DNS_TIMEOUT);
		else if (zone[i].type == DNS_TXT)
			world_txt(world, zone[i].name, zone[i].value);
		else if (zone[i].type == DNS_A)
			world_a(world, zone[i].name, zone[i].value);
		else if (zone[i].type == DNS_AAAA)
			world_aaaa(world, zone[i].name, zone[i].value);
		else if (zone[i].type == DNS_MX)
			world_mx(world, zone[i].name, 10, zone[i].value);
		else
			world_ptr(world, zone[i].name, zone[i].value);
	}
}

static struct spf_input input_of(const char *ip, const char *helo, const char *from)
{
	struct spf_input input = { .helo = slice_of_str(helo), .mail_from = slice_of_str(from), .now = 1700000000 };

	assert_true(ip_parse(slice_of_str(ip), &input.client));
	return input;
}

/* Evaluates until nothing is pending; the number of passes. */
static unsigned run(struct world *world, const struct spf_input *input, const struct spf_config *config,
		    struct arena *arena, struct spf_result *out)
{
	unsigned passes = 1;
	int result;

	while ((result = spf_check_mail_from(input, config, &world->ask, arena, out)) == ASK_BLOCKED)
		assert_true(passes++ < 40);
	assert_int_equal(result, 0);
	return passes;
}

static void assert_results_equal(const struct spf_result *a, const struct spf_result *b)
{
	assert_int_equal(a->result, b->result);
	assert_int_equal(a->scope, b->scope);
	assert_slice_equal(a->domain, b->domain);
	assert_slice_equal(a->explanation, b->explanation);
	assert_slice_equal(a->mechanism, b->mechanism);
	assert_slice_equal(a->mechanism_domain, b->mechanism_domain);
	assert_int_equal(a->has_network_prefix, b->has_network_prefix);
	assert_int_equal(a->network_prefix, b->network_prefix);
	assert_int_equal(a->reason.id, b->reason.id);
	assert_slice_equal(a->reason.detail[0], b->reason.detail[0]);
	assert_slice_equal(a->reason.detail[1], b->reason.detail[1]);
}

static const struct vector {
	const char *section, *ip, *from;
	enum spf_word word;
	enum reason_id reason;
	const char *mechanism, *mechanism_domain;
} vectors[] = {
	/* none */
	{ "4.3 NXDOMAIN", "192.0.2.1", "bob@nx.example", SPF_NONE, REASON_SPF_NXDOMAIN, "", "" },
	{ "4.5 no record", "192.0.2.1", "bob@text.example", SPF_NONE, REASON_SPF_NO_RECORD, "", "" },
	{ "4.5 NODATA", "192.0.2.1", "bob@v4only.example", SPF_NONE, REASON_SPF_NO_RECORD, "", "" },
	{ "4.3 one label", "192.0.2.1", "bob@example", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "4.3 empty label", "192.0.2.1", "bob@a..example", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "4.3 literal", "192.0.2.1", "bob@[192.0.2.1]", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "4.3 address", "192.0.2.1", "bob@192.0.2.1", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "4.3 no domain", "192.0.2.1", "bob", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "4.3 empty domain", "192.0.2.1", "bob@", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "S8 parenthesis", "192.0.2.1", "(any@pass.example", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "S8 route", "192.0.2.1", "@a.example,@b.example:bob@pass.example", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "S8 bracket", "192.0.2.1", "bob@fail.example>@pass.example", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	{ "S8 line end", "192.0.2.1", "bob\r\n@pass.example", SPF_NONE, REASON_SPF_NO_DOMAIN, "", "" },
	/* temporary errors: never the "+all" behind them */
	{ "4.4 record", "192.0.2.1", "bob@temp.example", SPF_TEMPERROR, REASON_SPF_DNS, "", "" },
	{ "5 a", "192.0.2.1", "bob@a-temp.example", SPF_TEMPERROR, REASON_SPF_DNS, "", "" },
	{ "5 mx", "192.0.2.1", "bob@mx-temp.example", SPF_TEMPERROR, REASON_SPF_DNS, "", "" },
	{ "5 mx host", "192.0.2.1", "bob@mxhost-temp.example", SPF_TEMPERROR, REASON_SPF_DNS, "", "" },
	{ "5 exists", "192.0.2.1", "bob@exists-temp.example", SPF_TEMPERROR, REASON_SPF_DNS, "", "" },
	{ "5.2 include", "192.0.2.1", "bob@inc-temp.example", SPF_TEMPERROR, REASON_SPF_DNS, "", "" },
	{ "6.1 redirect", "192.0.2.1", "bob@red-temp.example", SPF_TEMPERROR, REASON_SPF_DNS, "", "" },
	/* faults of records */
	{ "4.5 several", "192.0.2.1", "bob@several.example", SPF_PERMERROR, REASON_SPF_SEVERAL_RECORDS, "", "" },
	{ "4.6 behind a match", "192.0.2.1", "bob@syntax.example", SPF_PERMERROR, REASON_SPF_MECHANISM, "", "" },
	{ "5.5 target", "192.0.2.1", "bob@ptr.example", SPF_PERMERROR, REASON_SPF_DOMAIN_SPEC, "", "" },
	{ "5.2 none", "192.0.2.1", "bob@inc-none.example", SPF_PERMERROR, REASON_SPF_TARGET_NONE, "", "" },
	{ "5.2 NXDOMAIN", "192.0.2.1", "bob@inc-nx.example", SPF_PERMERROR, REASON_SPF_TARGET_NONE, "", "" },
	{ "5.2 permerror", "192.0.2.1", "bob@inc-perm.example", SPF_PERMERROR, REASON_SPF_MECHANISM, "", "" },
	{ "5.2 one label", "192.0.2.1", "bob@inc-label.example", SPF_PERMERROR, REASON_SPF_TARGET_INVALID, "", "" },
	{ "4.8 include", "192.0.2.1", "bob@inc-bad.example", SPF_PERMERROR, REASON_SPF_TARGET_INVALID, "", "" },
	{ "4.8 redirect", "192.0.2.1", "bob@red-bad.example", SPF_PERMERROR, REASON_SPF_TARGET_INVALID, "", "" },
	{ "6.1 none", "192.0.2.1", "bob@red-none.example", SPF_PERMERROR, REASON_SPF_TARGET_NONE, "", "" },
	/* limits, section 4.6.4 and LESSONS rows 17 and 18 */
	{ "include loop", "192.0.2.1", "bob@loop.example", SPF_PERMERROR, REASON_SPF_LOOKUPS, "", "" },
	{ "redirect loop", "192.0.2.1", "bob@red-loop.example", SPF_PERMERROR, REASON_SPF_LOOKUPS, "", "" },
	{ "10 terms", "10.0.0.1", "bob@look10.example", SPF_PASS, REASON_SPF_PASS, "ip4:10.0.0.1", "red.example" },
	{ "11 terms, the last a redirect", "192.0.2.10", "bob@look10.example", SPF_PERMERROR, REASON_SPF_LOOKUPS, "",
	  "" },
	{ "11 terms, one nested", "192.0.2.10", "bob@look11.example", SPF_PERMERROR, REASON_SPF_LOOKUPS, "", "" },
	{ "excess in the last term", "192.0.2.10", "bob@look-last.example", SPF_PERMERROR, REASON_SPF_LOOKUPS, "", "" },
	{ "%{p} counts", "192.0.2.65", "bob@p-limit.example", SPF_PERMERROR, REASON_SPF_LOOKUPS, "", "" },
	{ "2 void", "192.0.2.9", "bob@void2.example", SPF_PASS, REASON_SPF_PASS, "+all", "void2.example" },
	{ "3 void", "192.0.2.9", "bob@void3.example", SPF_PERMERROR, REASON_SPF_VOID_LOOKUPS, "", "" },
	{ "3 void, in the last term", "192.0.2.9", "bob@void-last.example", SPF_PERMERROR, REASON_SPF_VOID_LOOKUPS, "",
	  "" },
	{ "3 void, nested", "192.0.2.9", "bob@void-inc.example", SPF_PERMERROR, REASON_SPF_VOID_LOOKUPS, "", "" },
	{ "3 void ptr", "192.0.2.9", "bob@void-ptr.example", SPF_PERMERROR, REASON_SPF_VOID_LOOKUPS, "", "" },
	{ "hosts of mx do not count as void", "2001:db8::1", "bob@void-mx.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "void-mx.example" },
	/* results */
	{ "4.6.2 pass", "192.0.2.1", "bob@pass.example", SPF_PASS, REASON_SPF_PASS, "ip4:192.0.2.0/24",
	  "pass.example" },
	{ "4.6.2 pass", "2001:db8::1", "bob@PASS.example.", SPF_PASS, REASON_SPF_PASS, "ip6:2001:db8::/32",
	  "pass.example" },
	{ "4.6.2 fail", "10.0.0.1", "bob@pass.example", SPF_FAIL, REASON_SPF_FAIL, "-all", "pass.example" },
	{ "4.6.2 softfail", "10.0.0.1", "bob@softfail.example", SPF_SOFTFAIL, REASON_SPF_SOFTFAIL, "~all",
	  "softfail.example" },
	{ "4.6.2 neutral", "10.0.0.1", "bob@neutral.example", SPF_NEUTRAL, REASON_SPF_NEUTRAL, "?all",
	  "neutral.example" },
	{ "4.7 default", "10.0.0.1", "bob@empty.example", SPF_NEUTRAL, REASON_SPF_NO_MATCH, "", "" },
	{ "5.2 no match", "10.0.0.1", "bob@inc-fail.example", SPF_PASS, REASON_SPF_PASS, "+all", "inc-fail.example" },
	{ "5.2 match", "192.0.2.1", "bob@inc-2.example", SPF_PASS, REASON_SPF_PASS_INCLUDED, "ip4:192.0.2.0/24",
	  "pass.example" },
	{ "5.2 qualifier", "192.0.2.1", "bob@inc-neg.example", SPF_FAIL, REASON_SPF_FAIL, "ip4:192.0.2.0/24",
	  "pass.example" },
	{ "6.1 not reached", "10.0.0.1", "bob@red.example", SPF_PASS, REASON_SPF_PASS, "ip4:10.0.0.1", "red.example" },
	{ "6.1 reached", "192.0.2.1", "bob@red.example", SPF_PASS, REASON_SPF_PASS, "ip4:192.0.2.0/24",
	  "pass.example" },
	{ "5.1 all and redirect", "192.0.2.1", "bob@red-all.example", SPF_NEUTRAL, REASON_SPF_NEUTRAL, "?all",
	  "red-all.example" },
	{ "5.3 prefix", "192.0.2.127", "bob@a-cidr.example", SPF_PASS, REASON_SPF_PASS, "a:amy.example.com/26//0",
	  "a-cidr.example" },
	{ "5.3 outside of it", "192.0.2.128", "bob@a-cidr.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "a-cidr.example" },
	{ "5.3 /0 needs an address", "2001:db8::1", "bob@a-cidr.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "a-cidr.example" },
	{ "4.8 mechanisms", "192.0.2.1", "bob@a-bad.example", SPF_NEUTRAL, REASON_SPF_NEUTRAL, "?all",
	  "a-bad.example" },
	{ "5.4 match", "192.0.2.140", "bob@mx.example", SPF_PASS, REASON_SPF_PASS, "mx:example.org", "mx.example" },
	{ "5.4 null MX", "192.0.2.1", "bob@mx-null.example", SPF_FAIL, REASON_SPF_FAIL, "-all", "mx-null.example" },
	{ "5.4 no implicit MX", "192.0.2.1", "bob@mx-self.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "mx-self.example" },
	{ "5.5 same name", "192.0.2.10", "bob@ptr-com.example", SPF_PASS, REASON_SPF_PASS, "ptr:example.com",
	  "ptr-com.example" },
	{ "5.5 subdomain", "192.0.2.65", "bob@ptr-com.example", SPF_PASS, REASON_SPF_PASS, "ptr:example.com",
	  "ptr-com.example" },
	{ "5.5 other name", "192.0.2.140", "bob@ptr-com.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "ptr-com.example" },
	{ "5.5 not confirmed", "10.0.0.4", "bob@ptr-com.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "ptr-com.example" },
	{ "5.5 error of PTR", "192.0.2.99", "bob@ptr-com.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "ptr-com.example" },
	{ "5.5 error of A skips", "192.0.2.98", "bob@ptr-98.example", SPF_PASS, REASON_SPF_PASS, "ptr:host98.example",
	  "ptr-98.example" },
	{ "5.7 A for any client", "2001:db8::1", "bob@exists.example", SPF_PASS, REASON_SPF_PASS,
	  "exists:v4only.example", "exists.example" },
	{ "5.7 never AAAA", "2001:db8::1", "bob@exists-v6.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "exists-v6.example" },
	{ "5 mapped client", "::ffff:192.0.2.1", "bob@mapped.example", SPF_FAIL, REASON_SPF_FAIL, "-ip4:192.0.2.1",
	  "mapped.example" },
	/* macros and internationalized mail */
	{ "7.2 local-part", "10.0.0.1", "bob@local.example", SPF_PASS, REASON_SPF_PASS, "exists:%{l}.users.example",
	  "local.example" },
	{ "8616 4 local-part", "10.0.0.1",
	  "b\xc3\xb6"
	  "b@local.example",
	  SPF_FAIL, REASON_SPF_FAIL, "-all", "local.example" },
	{ "8616 4 redirect", "10.0.0.1",
	  "b\xc3\xb6"
	  "b@red-local.example",
	  SPF_NEUTRAL, REASON_SPF_NO_MATCH, "", "" },
	{ "8616 4 domain", "10.0.0.1",
	  "bob@b\xc3\xbc"
	  "cher.example",
	  SPF_PASS, REASON_SPF_PASS, "exists:%{o}.%{d}.users.example", "xn--bcher-kva.example" },
	{ "7.2 HELO", "10.0.0.1", "bob@helo.example", SPF_PASS, REASON_SPF_PASS, "exists:%{h}.seen.example",
	  "helo.example" },
	{ "7.3 %{p}", "192.0.2.65", "bob@p.example", SPF_PASS, REASON_SPF_PASS, "exists:%{p}.ok.example", "p.example" },
	{ "7.3 %{p} unknown", "192.0.2.99", "bob@p.example", SPF_PASS, REASON_SPF_PASS, "exists:%{p}.ok.example",
	  "p.example" },
	{ "7.3 long name", "10.0.0.1", "bob@long-name.example", SPF_FAIL, REASON_SPF_FAIL, "-all",
	  "long-name.example" },
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const struct vector *vector = &vectors[i];
		struct spf_input input = input_of(vector->ip, "mx.helo.example", vector->from);
		struct spf_result results[2];
		struct world worlds[2];

		for (size_t eager = 0; eager < 2; eager++) {
			world_init(&worlds[eager]);
			worlds[eager].eager = eager;
			zone_load(&worlds[eager]);
			run(&worlds[eager], &input, &defaults, &worlds[eager].arena, &results[eager]);
		}
		if (results[0].result != vector->word || results[0].reason.id != vector->reason)
			fail_msg("%s: %s: got %s (%s)", vector->section, vector->from, spf_word_text(results[0].result),
				 reason_code(results[0].reason.id));
		assert_int_equal(results[0].scope, SPF_MAILFROM);
		assert_slice_equal(results[0].mechanism, slice_of_str(vector->mechanism));
		assert_slice_equal(results[0].mechanism_domain, slice_of_str(vector->mechanism_domain));
		assert_results_equal(&results[0], &results[1]);
		world_deinit(&worlds[0]);
		world_deinit(&worlds[1]);
	}
}

/* Section 6.2 */
static void test_6_2_explanations(void **state)
{
	static const struct {
		const char *from, *explanation;
		enum spf_word word;
		unsigned lookups; /* of the record, and no more are allowed: an explanation costs none */
	} cases[] = {
		{ "bob@exp.example",
		  "10.0.0.4 is not one of exp.example's designated mail servers; ask unknown, HELO mx.helo.example",
		  SPF_FAIL, 0 },
		{ "bob@exp-inc.example", "", SPF_FAIL, 1 },
		{ "bob@exp-red.example",
		  "10.0.0.4 is not one of exp.example's designated mail servers; ask unknown, HELO mx.helo.example",
		  SPF_FAIL, 1 },
		{ "bob@exp-soft.example", "", SPF_SOFTFAIL, 0 },
		{ "bob@exp-bad.example", "", SPF_FAIL, 0 },
		{ "bob@exp-temp.example", "", SPF_FAIL, 0 },
		{ "bob@exp-p.example", "you are unknown", SPF_FAIL, 0 },
		{ "bob@exp-two.example", "", SPF_FAIL, 0 },
		{ "bob@exp-name.example", "who are you?", SPF_FAIL, 0 },
		{ "alice@exp-local.example", "alice may not", SPF_FAIL, 1 },
		{ "alic\xc3\xa9@exp-local.example", "", SPF_FAIL, 1 },
	};
	struct world world;
	struct spf_result result;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spf_input input = input_of("10.0.0.4", "mx.helo.example", cases[i].from);

		world_init(&world);
		zone_load(&world);
		run(&world, &input, &(struct spf_config){ cases[i].lookups, 1 }, &world.arena, &result);
		assert_slice_equal(result.explanation, slice_of_str(cases[i].explanation));
		assert_int_equal(result.result, cases[i].word);
		world_deinit(&world);
	}
}

static void test_6_2_explanation_is_harmless(void **state)
{
	struct spf_input input = input_of("10.0.0.4", "mx\x1b[2J\r\n250 ok", "bob@exp.example");
	struct spf_result result;
	struct world world;

	(void)state;
	world_init(&world);
	zone_load(&world);
	run(&world, &input, &defaults, &world.arena, &result);
	assert_slice_equal(slice_from(result.explanation, result.explanation.len - 16), SLICE("HELO mx[2J250 ok"));
	input.helo = SLICE("m\xc3\xbc");
	run(&world, &input, &defaults, &world.arena, &result);
	assert_int_equal(result.explanation.len, 0);
	input = input_of("10.0.0.4", "mx.helo.example", "bob@exp-long.example");
	run(&world, &input, &defaults, &world.arena, &result);
	assert_int_equal(result.explanation.len, SPF_EXPLANATION_OCTETS_MAX);
	world_deinit(&world);
}

/* Sections 2.3 and 2.4 */
static void test_2_3_identities(void **state)
{
	static const char *const bad[] = { "",           "localhost",         "[192.0.2.1]", "192.0.2.1",
					   "a..example", "m\xc3\xbc.example", "a b.example", "." };
	struct spf_input input;
	struct spf_result result;
	struct world world;

	(void)state;
	world_init(&world);
	world.eager = true;
	zone_load(&world);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		input = input_of("192.0.2.1", bad[i], "");
		assert_int_equal(spf_check_helo(&input, &defaults, &world.ask, &world.arena, &result), 0);
		assert_int_equal(result.result, SPF_NONE);
		assert_int_equal(result.reason.id, REASON_SPF_NO_HELO);
		run(&world, &input, &defaults, &world.arena, &result);
		assert_int_equal(result.result, SPF_NONE);
	}
	assert_int_equal(world.asked_count, 0);

	input = input_of("192.0.2.1", "PASS.example.", "bob@fail.example");
	assert_int_equal(spf_check_helo(&input, &defaults, &world.ask, &world.arena, &result), 0);
	assert_true(result.result == SPF_PASS && result.scope == SPF_HELO);
	assert_slice_equal(result.domain, SLICE("pass.example"));

	input.mail_from = SLICE_EMPTY;
	run(&world, &input, &defaults, &world.arena, &result);
	assert_true(result.result == SPF_PASS && result.scope == SPF_HELO);

	/* The local-part is "postmaster" then, and for a reverse-path without one (section 4.3). */
	world_a(&world, "postmaster.users.example", "127.0.0.2");
	input = input_of("192.0.2.1", "local.example", "");
	run(&world, &input, &defaults, &world.arena, &result);
	assert_true(result.result == SPF_PASS && result.scope == SPF_HELO);
	input = input_of("192.0.2.1", "pass.example", "@local.example");
	run(&world, &input, &defaults, &world.arena, &result);
	assert_true(result.result == SPF_PASS && result.scope == SPF_MAILFROM);
	assert_slice_equal(result.mechanism, SLICE("exists:%{l}.users.example"));
	world_deinit(&world);
}

/* Section 5: 16 octets of a mapped address are an IPv4 client all the same. */
static void test_5_mapped_octets(void **state)
{
	struct spf_input input = input_of("192.0.2.1", "", "bob@pass.example");
	struct spf_result result;
	struct world world;

	(void)state;
	world_init(&world);
	zone_load(&world);
	input.client = (struct ip_address){ .is_v6 = true, .octets = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 } };
	run(&world, &input, &defaults, &world.arena, &result);
	assert_slice_equal(result.mechanism, SLICE("ip4:192.0.2.0/24"));
	world_deinit(&world);
}

/* STANDARDS S5 (BreakSPF): a pass says how many neighbours would have passed as well. */
static void test_network_prefix(void **state)
{
	static const struct {
		const char *ip, *from;
		enum spf_word word;
		int prefix; /* -1: none */
	} cases[] = {
		{ "192.0.2.1", "bob@nx.example", SPF_NONE, -1 },
		{ "192.0.2.1", "bob@temp.example", SPF_TEMPERROR, -1 },
		{ "192.0.2.1", "bob@syntax.example", SPF_PERMERROR, -1 },
		{ "192.0.2.1", "bob@empty.example", SPF_NEUTRAL, -1 },
		{ "192.0.2.10", "bob@ptr-com.example", SPF_PASS, -1 },
		{ "192.0.2.1", "bob@exists.example", SPF_PASS, -1 },
		{ "192.0.2.1", "bob@neutral.example", SPF_NEUTRAL, 0 },
		{ "192.0.2.1", "bob@inc-fail.example", SPF_PASS, 0 },
		{ "192.0.2.1", "bob@pass.example", SPF_PASS, 24 },
		{ "192.0.2.1", "bob@inc-2.example", SPF_PASS, 24 }, /* of the term two includes below */
		{ "192.0.2.1", "bob@red.example", SPF_PASS, 24 },
		{ "192.0.2.1", "bob@inc-neg.example", SPF_FAIL, 24 },
		{ "2001:db8::1", "bob@pass.example", SPF_PASS, 32 },
		{ "::ffff:192.0.2.1", "bob@pass.example", SPF_PASS, 24 },
		{ "192.0.2.127", "bob@a-cidr.example", SPF_PASS, 26 },
		{ "192.0.2.140", "bob@mx.example", SPF_PASS, 32 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spf_input input = input_of(cases[i].ip, "mx.helo.example", cases[i].from);
		struct spf_result result;
		struct world world;

		world_init(&world);
		zone_load(&world);
		run(&world, &input, &defaults, &world.arena, &result);
		if (result.result != cases[i].word || result.has_network_prefix != (cases[i].prefix >= 0) ||
		    result.network_prefix != (cases[i].prefix < 0 ? 0 : cases[i].prefix))
			fail_msg("%s: %s, /%u", cases[i].from, spf_word_text(result.result), result.network_prefix);
		world_deinit(&world);
	}
}

/* Section 4.6.4: 10 hosts of one mx term. The 11th is that of the least preference, wherever it is in the answer. */
static void test_4_6_4_mx_hosts(void **state)
{
	static const char *const hosts[] = { "h0.example", "h1.example", "h2.example", "h3.example",
					     "h4.example", "h5.example", "h6.example", "h7.example",
					     "h8.example", "h9.example", "ha.example" };
	struct spf_result result;
	struct world world;

	(void)state;
	for (size_t turn = 0; turn < COUNT_OF(hosts); turn++) {
		struct spf_input input = input_of("192.0.2.1", "", "bob@many.example");

		world_init(&world);
		world_txt(&world, "many.example", "v=spf1 mx +all");
		for (size_t i = 0; i < COUNT_OF(hosts); i++) {
			size_t host = (i + turn) % COUNT_OF(hosts);

			world_mx(&world, "many.example", (uint16_t)host, hosts[host]);
		}
		world_a(&world, "h9.example", "192.0.2.1");
		world_a(&world, "ha.example", "192.0.2.2");
		run(&world, &input, &defaults, &world.arena, &result);
		assert_int_equal(result.reason.id, REASON_SPF_PASS);
		assert_slice_equal(result.mechanism, SLICE("mx"));
		input.client.octets[3] = 2;
		run(&world, &input, &defaults, &world.arena, &result);
		assert_int_equal(result.result, SPF_PERMERROR);
		assert_int_equal(result.reason.id, REASON_SPF_MX_NAMES);
		assert_int_equal(world_times_asked(&world, "ha.example", DNS_A), 0);
		world_deinit(&world);
	}
}

/* Section 4.6.4 and LESSONS row 19: the first 10 names count, whatever they are, and no others. */
static void test_4_6_4_ptr_names(void **state)
{
	struct spf_input input = input_of("192.0.2.1", "", "bob@ptr.example");
	struct spf_result result;
	struct world world;

	(void)state;
	for (size_t before = 9; before <= 10; before++) {
		world_init(&world);
		world_txt(&world, "ptr.example", "v=spf1 ptr ?all");
		for (size_t i = 0; i < before; i++)
			world_ptr(&world, "1.2.0.192.in-addr.arpa", i % 2 ? "other.test" : "a\\046b.ptr.example");
		world_ptr(&world, "1.2.0.192.in-addr.arpa", "host.ptr.example");
		world_a(&world, "host.ptr.example", "192.0.2.1");
		run(&world, &input, &defaults, &world.arena, &result);
		assert_int_equal(result.result, before == 9 ? SPF_PASS : SPF_NEUTRAL);
		assert_int_equal(world_times_asked(&world, "other.test", DNS_A), 0);
		world_deinit(&world);
	}
}

/* Section 7.3: %{p} is the domain if that is validated, else a name below it, else any. */
static void test_7_3_validated_name(void **state)
{
	static const char *const names[] = { "other.test", "b.pick.example", "a.pick.example", "pick.example" };
	static const char *const picked[] = { "other.test", "b.pick.example", "b.pick.example", "pick.example" };
	struct spf_input input = input_of("192.0.2.1", "", "bob@pick.example");
	struct spf_result result;
	struct world world;

	(void)state;
	for (size_t last = 0; last < COUNT_OF(names); last++) {
		world_init(&world);
		world_txt(&world, "pick.example", "v=spf1 -all exp=why.example");
		world_txt(&world, "why.example", "%{p}");
		world_ptr(&world, "1.2.0.192.in-addr.arpa", "liar.pick.example");
		world_a(&world, "liar.pick.example", "192.0.2.2");
		for (size_t i = 0; i <= last; i++) {
			world_ptr(&world, "1.2.0.192.in-addr.arpa", names[i]);
			world_a(&world, names[i], "192.0.2.1");
		}
		world_ptr(&world, "1.2.0.192.in-addr.arpa", "another.test");
		world_a(&world, "another.test", "192.0.2.1");
		run(&world, &input, &defaults, &world.arena, &result);
		assert_slice_equal(result.explanation, slice_of_str(picked[last]));
		world_deinit(&world);
	}
}

/* Raised look-up limits do not raise the depth, which bounds the stack. */
static void test_depth(void **state)
{
	const struct spf_config config = { .lookups_max = 1000, .void_lookups_max = 1000 };
	static const char *const loops[] = { "bob@loop.example", "bob@red-loop.example" };
	struct spf_result result;
	struct world world;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct spf_input input = input_of("192.0.2.1", "", loops[i]);

		world_init(&world);
		zone_load(&world);
		run(&world, &input, &config, &world.arena, &result);
		assert_int_equal(result.result, SPF_PERMERROR);
		assert_int_equal(result.reason.id, REASON_SPF_DEPTH);
		world_deinit(&world);
	}
}

/* Section 4.6.4: both limits are the postmaster's to set. */
static void test_configured_limits(void **state)
{
	static const struct {
		const char *from;
		struct spf_config config;
		enum spf_word word;
	} cases[] = {
		{ "bob@inc-1.example", { .lookups_max = 0 }, SPF_PERMERROR },
		{ "bob@inc-1.example", { .lookups_max = 1 }, SPF_PASS },
		{ "bob@void2.example", { .lookups_max = 10, .void_lookups_max = 1 }, SPF_PERMERROR },
		{ "bob@void3.example", { .lookups_max = 10, .void_lookups_max = 3 }, SPF_PASS },
		{ "bob@look11.example", { .lookups_max = 11, .void_lookups_max = 2 }, SPF_PASS },
	};
	struct spf_result result;
	struct world world;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spf_input input = input_of("192.0.2.9", "", cases[i].from);

		world_init(&world);
		zone_load(&world);
		run(&world, &input, &cases[i].config, &world.arena, &result);
		assert_int_equal(result.result, cases[i].word);
		world_deinit(&world);
	}
}

/* Each kind of fault, for each question of an evaluation that would pass: temperror, or what section 5.5 says. */
static void test_no_fault_is_a_pass(void **state)
{
	static const enum dns_outcome faults[] = { DNS_SERVFAIL, DNS_BOGUS, DNS_TIMEOUT, DNS_BUDGET, DNS_INVALID, DNS_SILENT };
	static const struct {
		const char *name;
		enum dns_type type;
	} questions[] = { { "f.example", DNS_TXT },  { "f.example", DNS_A },     { "f.example", DNS_MX },
			  { "h.f.example", DNS_A },  { "i.f.example", DNS_TXT }, { "e.f.example", DNS_A },
			  { "r.f.example", DNS_TXT } };
	struct spf_input input = input_of("192.0.2.1", "", "bob@f.example");
	struct spf_result result;
	struct world world;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(questions) * COUNT_OF(faults); i++) {
		world_init(&world);
		world_outcome(&world, questions[i / COUNT_OF(faults)].name, questions[i / COUNT_OF(faults)].type,
			      faults[i % COUNT_OF(faults)]);
		world_txt(&world, "f.example",
			  "v=spf1 a mx include:i.f.example exists:e.f.example redirect=r.f.example");
		world_a(&world, "f.example", "192.0.2.2");
		world_mx(&world, "f.example", 1, "h.f.example");
		world_a(&world, "h.f.example", "192.0.2.2");
		world_txt(&world, "i.f.example", "v=spf1 -all");
		world_txt(&world, "r.f.example", "v=spf1 +all");
		run(&world, &input, &defaults, &world.arena, &result);
		assert_int_equal(result.result, SPF_TEMPERROR);
		assert_int_equal(result.reason.id, REASON_SPF_DNS);
		world_deinit(&world);
	}
}

static const char *const spread[][2] = {
	{ "s.example",
	  "v=spf1 a mx include:i.s.example exists:e.s.example ptr exists:%{p}.s.example a:last.s.example ~all "
	  "a:never.s.example" },
	{ "i.s.example", "v=spf1 a:ia.s.example mx:im.s.example redirect=r.s.example" },
	{ "r.s.example", "v=spf1 -all" },
};

static void spread_load(struct world *world)
{
	world_init(world);
	for (size_t i = 0; i < COUNT_OF(spread); i++)
		world_txt(world, spread[i][0], spread[i][1]);
	world_a(world, "s.example", "192.0.2.2");
	world_mx(world, "s.example", 1, "h1.s.example");
	world_mx(world, "s.example", 2, "h2.s.example");
	world_a(world, "ia.s.example", "192.0.2.2");
}

/*
 * LESSONS 19: what ptr and %{p} ask may be given up early, and then they match nothing and are "unknown"; what other terms
 * ask may not, whoever asked first.
 */
static void test_5_5_questions_are_optional(void **state)
{
	static const char reverse[] = "1.2.0.192.in-addr.arpa";
	struct spf_input input = input_of("192.0.2.1", "", "bob@o.example");
	static struct world world;
	struct spf_result result;

	(void)state;
	for (int silent = 0; silent < 2; silent++) {
		world_init(&world);
		world_txt(&world, "o.example", "v=spf1 ptr:host.example exists:%{p}.e.example a:c.host.example -all");
		if (silent)
			world_outcome(&world, reverse, DNS_PTR, DNS_TIMEOUT);
		for (size_t i = 0; i < 2; i++)
			world_ptr(&world, reverse, i ? "c.host.example" : "b.host.example");
		world_outcome(&world, "b.host.example", DNS_A, DNS_TIMEOUT);
		world_a(&world, "c.host.example", "192.0.2.2");
		(void)run(&world, &input, &defaults, &world.arena, &result);
		assert_int_equal(result.result, SPF_FAIL);
		assert_true(world_asked_optionally(&world, reverse, DNS_PTR));
		assert_int_equal(world_asked_optionally(&world, "b.host.example", DNS_A), !silent);
		assert_int_equal(world_times_asked(&world, "unknown.e.example", DNS_A) > 0, true);
		assert_true(world_times_asked(&world, "c.host.example", DNS_A) > 0);
		assert_false(world_asked_optionally(&world, "c.host.example", DNS_A));
		assert_false(world_asked_optionally(&world, "unknown.e.example", DNS_A));
		assert_false(world_asked_optionally(&world, "o.example", DNS_TXT));
		world_deinit(&world);
	}
}

/* While a term is pending, later terms are asked for; ptr and %{p} are not, nor what lies behind "all". */
static void test_questions_travel_together(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		unsigned pass; /* that asks first; 0: none */
	} asked[] = {
		{ "s.example", DNS_TXT, 1 },     { "s.example", DNS_A, 2 },
		{ "s.example", DNS_MX, 2 },      { "i.s.example", DNS_TXT, 2 },
		{ "e.s.example", DNS_A, 2 },     { "last.s.example", DNS_A, 2 },
		{ "h1.s.example", DNS_A, 3 },    { "h2.s.example", DNS_A, 3 },
		{ "ia.s.example", DNS_A, 3 },    { "im.s.example", DNS_MX, 3 },
		{ "r.s.example", DNS_TXT, 3 },   { "1.2.0.192.in-addr.arpa", DNS_PTR, 4 },
		{ "never.s.example", DNS_A, 0 },
	};
	struct spf_input input = input_of("192.0.2.1", "", "bob@s.example");
	/* e, PTR, im, last: void look-ups are not what this test is about. */
	const struct spf_config config = { .lookups_max = 20, .void_lookups_max = 20 };
	unsigned first[COUNT_OF(asked)] = { 0 }, pass = 0;
	struct spf_result result;
	struct world world;
	int blocked;

	(void)state;
	spread_load(&world);
	do {
		blocked = spf_check_mail_from(&input, &config, &world.ask, &world.arena, &result);
		assert_true(++pass < 10);
		for (size_t i = 0; i < COUNT_OF(asked); i++)
			if (!first[i] && world_times_asked(&world, asked[i].name, asked[i].type))
				first[i] = pass;
	} while (blocked == ASK_BLOCKED);
	assert_int_equal(blocked, 0);
	assert_int_equal(result.result, SPF_SOFTFAIL);
	for (size_t i = 0; i < COUNT_OF(asked); i++)
		if (first[i] != asked[i].pass)
			fail_msg("%s: pass %u", asked[i].name, first[i]);
	world_deinit(&world);
}

/* With all answers at hand, no question but those of the sequential evaluation, and each once. */
static void test_warm_cache_asks_nothing_ahead(void **state)
{
	struct spf_input input = input_of("192.0.2.2", "", "bob@s.example");
	struct spf_result result;
	struct world world;

	(void)state;
	spread_load(&world);
	world.eager = true;
	assert_int_equal(run(&world, &input, &defaults, &world.arena, &result), 1);
	assert_slice_equal(result.mechanism, SLICE("a"));
	assert_int_equal(world.asked_count, 2);
	assert_int_equal(world_times_asked(&world, "s.example", DNS_TXT), 1);
	assert_int_equal(world_times_asked(&world, "s.example", DNS_A), 1);
	world_deinit(&world);
}

/* Evaluation cannot come past a term that matches, so nothing behind it is asked for. */
static void test_nothing_is_asked_behind_a_match(void **state)
{
	static const char *const records[] = {
		"v=spf1 a:a.example ip4:192.0.2.1 mx:b.example redirect=b.example",
		"v=spf1 a:a.example exists:known.example mx:b.example redirect=b.example",
		"v=spf1 a:a.example all mx:b.example redirect=b.example"
	};
	struct spf_input input = input_of("192.0.2.1", "", "bob@m.example");
	struct spf_result result;
	struct world world;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		world_init(&world);
		world_txt(&world, "m.example", records[i]);
		world_a(&world, "known.example", "127.0.0.2");
		(void)ask_dns(&world.ask, SLICE("known.example"), DNS_A, NULL);
		run(&world, &input, &defaults, &world.arena, &result);
		assert_int_equal(result.result, SPF_PASS);
		assert_int_equal(world_times_asked(&world, "a.example", DNS_A), 2);
		assert_int_equal(world_times_asked(&world, "b.example", DNS_MX), 0);
		assert_int_equal(world_times_asked(&world, "b.example", DNS_TXT), 0);
		world_deinit(&world);
	}
}

/* STANDARDS S3: what is asked ahead is bounded by the look-up terms and by the questions of one pass. */
static void test_asking_ahead_is_bounded(void **state)
{
	static char text[2048];
	struct spf_input input = input_of("192.0.2.1", "", "bob@flood.example");
	struct spf_result result;
	struct world world;
	size_t len = (size_t)snprintf(text, sizeof(text), "v=spf1");

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " a:n%u.example", i);
	for (unsigned max = 10; max <= 1000; max *= 100) {
		const struct spf_config config = { .lookups_max = max, .void_lookups_max = 1000 };

		world_init(&world);
		world_txt(&world, "flood.example", text);
		assert_int_equal(spf_check_mail_from(&input, &config, &world.ask, &world.arena, &result), ASK_BLOCKED);
		assert_int_equal(spf_check_mail_from(&input, &config, &world.ask, &world.arena, &result), ASK_BLOCKED);
		assert_int_equal(world.asked_count, 1 + (max == 10 ? 10 : SPF_PENDING_MAX));
		run(&world, &input, &config, &world.arena, &result);
		assert_int_equal(result.result, max == 10 ? SPF_PERMERROR : SPF_NEUTRAL);
		world_deinit(&world);
	}
}

/* A smaller and smaller arena: an error, or the right verdict, and nothing between. */
static void test_every_allocation_fails(void **state)
{
	static const struct {
		const char *ip, *from;
	} cases[] = { { "192.0.2.1", "bob@inc-2.example" },
		      { "192.0.2.65", "bob@p.example" },
		      { "10.0.0.4", "bob@exp-red.example" },
		      { "192.0.2.1", "bob@mxhost-temp.example" },
		      { "192.0.2.9", "bob@void-inc.example" },
		      { "10.0.0.1", "bob@b\xc3\xbc"
				    "cher.example" } };
	struct spf_result whole, result;
	struct world world;
	struct arena arena;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spf_input input = input_of(cases[i].ip, "mx.helo.example", cases[i].from);
		unsigned failures = 0;

		world_init(&world);
		zone_load(&world);
		run(&world, &input, &defaults, &world.arena, &whole);
		for (size_t bytes = 0; bytes < 8192; bytes += 16) {
			int status;

			arena_init(&arena, bytes);
			status = spf_check_mail_from(&input, &defaults, &world.ask, &arena, &result);
			if (status == 0)
				assert_results_equal(&result, &whole);
			else
				assert_int_equal(status, -ENOMEM);
			failures += status != 0;
			arena_deinit(&arena);
		}
		assert_true(failures > 4 && failures < 512);
		world_deinit(&world);
	}
}

static void test_words_and_reasons(void **state)
{
	struct spf_input input = input_of("192.0.2.1", "", "bob@inc-2.example");
	struct spf_result result;
	struct world world;
	struct slice text;

	(void)state;
	assert_string_equal(spf_word_text(SPF_NONE), "none");
	assert_string_equal(spf_word_text(SPF_NEUTRAL), "neutral");
	assert_string_equal(spf_word_text(SPF_PASS), "pass");
	assert_string_equal(spf_word_text(SPF_FAIL), "fail");
	assert_string_equal(spf_word_text(SPF_SOFTFAIL), "softfail");
	assert_string_equal(spf_word_text(SPF_TEMPERROR), "temperror");
	assert_string_equal(spf_word_text(SPF_PERMERROR), "permerror");
	world_init(&world);
	zone_load(&world);
	run(&world, &input, &defaults, &world.arena, &result);
	assert_int_equal(reason_render(&result.reason, &world.arena, &text), 0);
	assert_slice_equal(text, SLICE("matched include:inc-1.example, by ip4:192.0.2.0/24"));
	input = input_of("192.0.2.1", "", "bob@loop.example");
	run(&world, &input, &defaults, &world.arena, &result);
	assert_int_equal(reason_render(&result.reason, &world.arena, &text), 0);
	assert_slice_equal(text, SLICE("10 look-ups exceeded at include:loop.example in the record of loop.example"));
	world_deinit(&world);
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_6_2_explanations),
	  cmocka_unit_test(test_6_2_explanation_is_harmless), cmocka_unit_test(test_2_3_identities),
	  cmocka_unit_test(test_5_mapped_octets), cmocka_unit_test(test_network_prefix),
	  cmocka_unit_test(test_4_6_4_mx_hosts),
	  cmocka_unit_test(test_4_6_4_ptr_names),
	  cmocka_unit_test(test_5_5_questions_are_optional), cmocka_unit_test(test_7_3_validated_name),
	  cmocka_unit_test(test_depth), cmocka_unit_test(test_configured_limits),
	  cmocka_unit_test(test_no_fault_is_a_pass), cmocka_unit_test(test_questions_travel_together),
	  cmocka_unit_test(test_warm_cache_asks_nothing_ahead), cmocka_unit_test(test_nothing_is_asked_behind_a_match),
	  cmocka_unit_test(test_asking_ahead_is_bounded), cmocka_unit_test(test_every_allocation_fails),
	  cmocka_unit_test(test_words_and_reasons))
