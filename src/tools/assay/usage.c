#include "tools/assay/usage.h"

#include <string.h>

#include "client/assay.h"

static const char general[] =
	"assay - who really sent this mail, and how may we send ours?\n"
	"\n"
	"  assay check  [OPTIONS] FILE...|-    SPF, DKIM, ARC and DMARC of messages\n"
	"  assay spf    [OPTIONS]              SPF of a sender\n"
	"  assay tls-policy [OPTIONS] DOMAIN   MTA-STS and DANE of a destination\n"
	"  assay status [OPTIONS]              how the daemon is doing\n"
	"\n"
	"  assay COMMAND --help                its options\n"
	"  assay --version\n"
	"\n"
	"Exit status: 0 a verdict was obtained, whatever it says; 2 wrong usage; 3 the\n"
	"server was not reached or gave an error (or a FILE could not be read), and the\n"
	"reason is on standard error.\n";

static const char check[] =
	"assay check [OPTIONS] FILE...|-\n"
	"\n"
	"Asks for SPF, DKIM, ARC and DMARC of each FILE, a whole message (- is standard\n"
	"input). A bare LF becomes CRLF, as an MTA would do; all other octets are sent as\n"
	"they are.\n"
	"\n"
	"  --ip ADDR           the client's address; without it SPF is left out\n"
	"  --helo NAME         HELO or EHLO argument\n"
	"  --from ADDR         MAIL FROM; '' or '<>' is the null sender\n"
	"  --rcpt ADDR         RCPT TO; may be given several times\n"
	"  --received-at EPOCH when the message was received, seconds since 1970; default: now\n"
	"  --authserv-id ID    the name to write into Authentication-Results\n"
	"  --digest            send the header and digests of the body, made here, instead of\n"
	"                      the message: the same verdict for less on the network\n";

static const char spf[] =
	"assay spf [OPTIONS] --ip ADDR --helo NAME --from ADDR\n"
	"\n"
	"Asks whether a host may send mail for a sender, as an MTA does before DATA.\n"
	"\n"
	"  --ip ADDR           the client's address\n"
	"  --helo NAME         HELO or EHLO argument\n"
	"  --from ADDR         MAIL FROM; '' or '<>' is the null sender\n"
	"  --received-at EPOCH when it was, seconds since 1970; default: now\n"
	"  --authserv-id ID    the name to write into Authentication-Results\n";

static const char tls_policy[] =
	"assay tls-policy [OPTIONS] DOMAIN\n"
	"\n"
	"Asks how mail to DOMAIN is to be protected: MTA-STS, DANE, TLSRPT.\n"
	"\n"
	"  --mx HOST           this MX host; default: the first one\n"
	"  --purge             forget first what is kept of its MTA-STS policy, and fetch anew\n";

static const char status[] =
	"assay status [OPTIONS]\n"
	"\n"
	"Asks the daemon how it is doing: version, listeners, counters.\n";

static const char common[] =
	"\n"
	"  -s, --server URL    default: " ASSAY_URL_DEFAULT "\n"
	"  --timeout MS        how long to wait, in milliseconds; default: 10000\n"
	"  --json              one JSON object a line instead of words for people\n"
	"  -h, --help\n";

static const struct {
	const char *name, *text;
} texts[] = { { "check", check }, { "spf", spf }, { "tls-policy", tls_policy }, { "status", status } };

void usage_print(FILE *out, const char *command)
{
	if (!command) {
		fputs(general, out);
		return;
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (strcmp(texts[i].name, command) == 0)
			fprintf(out, "%s%s", texts[i].text, common);
	}
}
