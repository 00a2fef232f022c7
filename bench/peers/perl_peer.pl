#!/usr/bin/perl
# A peer of assayd: Mail::SPF, Mail::DKIM and Mail::DMARC, as authentication_milter calls them.
#
#   perl_peer.pl CORPUS [MESSAGES]
#
# Speaks what bench/run/peer.py says of every peer. Names are asked of the system's resolver by Net::DNS; one
# Mail::SPF::Server is kept. MAIL_DMARC_CONFIG_FILE names a configuration with the public suffix list to use.
use strict;
use warnings;

use JSON::PP;
use Mail::DKIM::Verifier;
use Mail::DMARC::PurePerl;
use Mail::SPF;

my %SPF_WORDS = map { $_ => 1 } qw(pass fail softfail neutral none temperror permerror);
# Mail::DKIM's words in RFC 8601's.
my %DKIM_WORDS = (pass => 'pass', fail => 'fail', invalid => 'permerror', temperror => 'temperror', none => 'neutral');

sub entries_read {
    my ($directory, $most) = @_;
    my (@entries, $pack);
    open(my $file, '<:raw', "$directory/messages.pack") or die "$directory: $!\n";
    { local $/; $pack = <$file>; }
    open(my $index, '<', "$directory/messages.jsonl") or die "$directory: $!\n";
    while (my $line = <$index>) {
        last if $most && @entries == $most;
        my $entry = decode_json($line);
        $entry->{message} = substr($pack, $entry->{at}, $entry->{octets});
        push @entries, $entry;
    }
    return \@entries;
}

sub spf_check {
    my ($server, $entry) = @_;
    my $has_path = $entry->{mail_from} ne '';
    my $request = Mail::SPF::Request->new(
        scope         => $has_path ? 'mfrom' : 'helo',
        identity      => $has_path ? $entry->{mail_from} : $entry->{helo},
        ip_address    => $entry->{client_ip},
        helo_identity => $entry->{helo},
    );
    my $word = lc $server->process($request)->code;
    return $SPF_WORDS{$word} ? $word : 'temperror';
}

sub dkim_check {
    my ($entry) = @_;
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($entry->{message});
    $verifier->CLOSE;
    return $verifier;
}

sub signatures_tell {
    my ($verifier) = @_;
    return [map { [$_->domain, $_->selector, $DKIM_WORDS{$_->result} // 'permerror'] } $verifier->signatures];
}

sub dmarc_check {
    my ($entry, $spf, $verifier) = @_;
    my $dmarc = Mail::DMARC::PurePerl->new;
    my ($field) = $entry->{message} =~ /^From:[ \t]*(.*?)\r\n(?![ \t])/msi;
    my ($domain) = $entry->{mail_from} =~ /@(.*)$/;
    $dmarc->header_from_raw("From: $field");
    $dmarc->source_ip($entry->{client_ip});
    $dmarc->spf(
        domain => $domain // $entry->{helo},
        scope  => defined $domain ? 'mfrom' : 'helo',
        result => $spf,
    );
    $dmarc->dkim($verifier);
    my $result = $dmarc->validate;
    return $result->result;
}

sub check {
    my ($server, $entry) = @_;
    my $spf = spf_check($server, $entry);
    my $verifier = dkim_check($entry);
    my $dmarc = eval { dmarc_check($entry, $spf, $verifier) };
    warn $@ if $@;
    return { spf => $spf, dkim => signatures_tell($verifier), dmarc => $dmarc // 'temperror' };
}

my ($directory, $most) = @ARGV;
my $entries = entries_read($directory, $most);
my $server = Mail::SPF::Server->new(hostname => 'mx.example.org');
my $verdicts = [];
$| = 1;
printf "ready %d\n", scalar @$entries;
while (my $line = <STDIN>) {
    if ($line eq "pass\n") {
        $verdicts = [map { check($server, $_) } @$entries];
        printf "passed %d\n", scalar @$entries;
    } elsif ($line eq "verdicts\n") {
        print encode_json($_), "\n" for @$verdicts;
        print ".\n";
    }
}
