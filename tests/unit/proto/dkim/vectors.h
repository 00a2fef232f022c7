/*
 * vectors.h - signed messages and keys that RFCs publish, for the tests of this folder.
 *
 * Source: RFC 6376 appendices A and C (lines as the signature has them: continuations begin with six spaces, one
 *         space behind "game."), RFC 8463 appendix A.
 */
#ifndef ASSAY_TESTS_DKIM_VECTORS_H
#define ASSAY_TESTS_DKIM_VECTORS_H

#define VECTOR_BODY                              \
	"Hi.\r\n"                                \
	"\r\n"                                   \
	"We lost the game. Are you hungry yet?\r\n" \
	"\r\n"                                   \
	"Joe.\r\n"

#define VECTOR_BODY_HASH "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=" /* simple and relaxed */

#define RFC6376_KEY_NAME "brisbane._domainkey.example.com"
#define RFC6376_KEY_DATA                                                     \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoG" \
	"eLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2U" \
	"zJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDd" \
	"QPNUYckcQ2QIDAQAB"
#define RFC6376_KEY "v=DKIM1; p=" RFC6376_KEY_DATA

#define RFC6376_SIGNATURE                                                      \
	"DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"    \
	"      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"    \
	"      h=Received : From : To : Subject : Date : Message-ID;\r\n"      \
	"      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"           \
	"      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"     \
	"        4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"     \
	"        KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"     \
	"        4bmp/YzhwvcubU4=;\r\n"
#define RFC6376_RECEIVED                                                       \
	"Received: from client1.football.example.com  [192.0.2.1]\r\n"         \
	"      by submitserver.example.com with SUBMISSION;\r\n"               \
	"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n"
#define VECTOR_FIELDS                                                          \
	"From: Joe SixPack <joe@football.example.com>\r\n"                     \
	"To: Suzie Q <suzie@shopping.example.net>\r\n"                         \
	"Subject: Is dinner ready?\r\n"                                        \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                      \
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
#define RFC6376_MESSAGE RFC6376_SIGNATURE RFC6376_RECEIVED VECTOR_FIELDS "\r\n" VECTOR_BODY

#define RFC8463_TIME             1528637909
#define RFC8463_ED25519_KEY_NAME "brisbane._domainkey.football.example.com"
#define RFC8463_ED25519_KEY_DATA "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RFC8463_ED25519_KEY      "v=DKIM1; k=ed25519; p=" RFC8463_ED25519_KEY_DATA
#define RFC8463_RSA_KEY_NAME     "test._domainkey.football.example.com"
#define RFC8463_RSA_KEY                                                        \
	"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR" \
	"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC" \
	"DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3" \
	"Ip3G+2kryOTIKT+l/K4w3QIDAQAB"

#define RFC8463_ED25519_SIGNATURE                                              \
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"        \
	" d=football.example.com; i=@football.example.com;\r\n"                \
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"              \
	" subject : date : message-id : from : subject : date;\r\n"            \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                \
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"      \
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
#define RFC8463_RSA_SIGNATURE                                                  \
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"            \
	" d=football.example.com; i=@football.example.com;\r\n"                \
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"        \
	" date : message-id : from : subject : date;\r\n"                      \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                \
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"      \
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"      \
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
#define RFC8463_MESSAGE \
	RFC8463_ED25519_SIGNATURE RFC8463_RSA_SIGNATURE VECTOR_FIELDS "\r\n" VECTOR_BODY

#endif
