/*
 * A peer of assayd: mailauth, SPF, DKIM, ARC and DMARC in one call; BIMI is off.
 *
 *   node mailauth.js CORPUS [MESSAGES]
 *
 * Speaks what bench/run/peer.py says of every peer. Run in the folder that holds node_modules (package.json beside this file says
 * which). Names are asked of the system's resolver, by node's own.
 */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { authenticate } = require(path.resolve('node_modules/mailauth'));

function read(directory, most) {
	const pack = fs.readFileSync(`${directory}/messages.pack`);
	const lines = fs.readFileSync(`${directory}/messages.jsonl`, 'utf8').split('\n').filter(Boolean);

	return lines.slice(0, most).map(line => {
		const entry = JSON.parse(line);

		return { ...entry, message: pack.subarray(entry.at, entry.at + entry.octets) };
	});
}

async function check(entry) {
	const result = await authenticate(entry.message, {
		ip: entry.client_ip,
		helo: entry.helo,
		sender: entry.mail_from,
		mta: 'mx.example.org',
		disableBimi: true
	});

	return {
		spf: result.spf ? result.spf.status.result : 'none',
		dkim: result.dkim.results
			.filter(one => one.signingDomain)
			.map(one => [one.signingDomain, one.selector, one.status.result]),
		dmarc: result.dmarc ? result.dmarc.status.result : 'none'
	};
}

async function main() {
	const entries = read(process.argv[2], process.argv[3] ? Number(process.argv[3]) : undefined);
	let verdicts = [];

	console.log(`ready ${entries.length}`);
	for await (const line of readline.createInterface({ input: process.stdin })) {
		if (line === 'pass') {
			verdicts = [];
			for (const entry of entries)
				verdicts.push(await check(entry));
			console.log(`passed ${entries.length}`);
		} else if (line === 'verdicts') {
			process.stdout.write(verdicts.map(verdict => `${JSON.stringify(verdict)}\n`).join('') + '.\n');
		}
	}
}

main();
