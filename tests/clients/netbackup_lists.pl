# A script for NetBackup as its users write them with LWP: reads lists, pages, one thing of each kind, and what is refused. Every answer
# goes to standard output, one JSON line each.
#
# Environment: NBU_BASE, NBU_CA, NBU_USER, NBU_PASSWORD, NBU_CLIENT, NBU_IMAGE, NBU_JOB.
use strict;
use warnings;
use HTTP::Request;
use JSON::PP;
use LWP::UserAgent;
use MIME::Base64;
use URI::Escape;

my $base = $ENV{NBU_BASE};
my $type = 'application/vnd.netbackup+json; version=1.0';
my $ua = LWP::UserAgent->new(timeout => 120, ssl_opts => { verify_hostname => 1, SSL_ca_file => $ENV{NBU_CA} });
my $json = JSON::PP->new->canonical;

sub ask {
    my ($step, $method, $path, %headers) = @_;
    my $content = delete $headers{content};
    my $request = HTTP::Request->new($method => $base . $path);
    $request->header(%headers) if %headers;
    $request->content($content) if defined $content;
    my $response = $ua->request($request);
    my %seen;
    $response->headers->scan(sub { $seen{lc $_[0]} = $_[1] unless $_[0] =~ /^Client-/i });
    print $json->encode({ step => $step, method => $method, path => $path, status => $response->code + 0, headers => \%seen, body => encode_base64($response->content, '') }), "\n";
    return $response;
}

my $credentials = $json->encode({ userName => $ENV{NBU_USER}, password => $ENV{NBU_PASSWORD}, domainType => 'nt', domainName => 'CORP' });
my $login = ask('login', POST => '/login', 'content-type' => $type, content => $credentials);
die 'login failed: ' . $login->status_line if $login->code != 201;
my $token = $json->decode($login->content)->{token};
my @plain = ('content-type' => $type, Authorization => $token);
sub read_as { my ($version) = @_; return (Accept => "application/vnd.netbackup+json;version=$version", Authorization => $token) }

my $offset = 0;
while (defined $offset) {
    my $page = $json->decode(ask("jobs from $offset", GET => "/admin/jobs/?page%5Blimit%5D=1&page%5Boffset%5D=$offset", @plain)->content);
    $offset = $page->{meta}{pagination}{next};
}
ask('jobs, new', GET => '/admin/jobs?sort=-startTime', read_as('14.0'));
ask('one job', GET => "/admin/jobs/$ENV{NBU_JOB}", read_as('9.0'));
ask('its tries', GET => "/admin/jobs/$ENV{NBU_JOB}/try-logs", @plain);
my $filter = uri_escape("clientName eq '$ENV{NBU_CLIENT}' and policyType eq 'Standard'");
ask('images', GET => "/catalog/images?page[limit]=2&filter=$filter", @plain);
ask('one image', GET => '/catalog/images/' . uri_escape($ENV{NBU_IMAGE}), read_as('12.0'));
# A blank in a name is encoded once for itself, and once more with the whole filter.
my $double = uri_escape("backupId eq '" . uri_escape('a b_123') . "'");
ask('an image that is not', GET => "/catalog/images?filter=$double", @plain);
ask('one that is not, by itself', GET => '/catalog/images/' . uri_escape('a b_123'), @plain);
ask('policies', GET => '/config/policies/', @plain);
ask('hosts', GET => "/config/hosts/?filter=hostName%20eq%20'$ENV{NBU_CLIENT}'", @plain);
ask('authority', GET => '/security/cacert', 'content-type' => $type);
ask('authority, new', GET => '/security/cacert', Accept => 'application/vnd.netbackup+json;version=10.0');
ask('storage units', GET => '/storage/storage-units/', @plain);
ask('processes', GET => '/admin/hosts/x/processes', @plain);
ask('bad filter', GET => '/admin/jobs?filter=nonsense', @plain);
ask('bad version', GET => '/admin/jobs', read_as('99.0'));
ask('bad type', POST => '/admin/manual-backup', Authorization => $token, 'content-type' => 'text/xml', content => '<x/>');
ask('bad method', PUT => '/admin/jobs', @plain, content => '{}');
ask('no token', GET => '/admin/jobs', 'content-type' => $type);
ask('nowhere', GET => '/no/where', @plain);
