#!/bin/sh
# A script for NetBackup as its users write them with curl: plain types, the token as cookie, brackets as they are, old HTTP. Every answer
# goes to standard output: a line with the step, the head as it came, and the body in base64 after "body: ".
#
# Environment: NBU_BASE, NBU_CA, NBU_USER, NBU_PASSWORD, NBU_CLIENT, NBU_IMAGE, NBU_JOB, NBU_WORK (a folder of its own).
set -eu
head="$NBU_WORK/head"
body="$NBU_WORK/body"

ask() {
  step=$1
  shift
  rm -f "$head" "$body"
  asked=$(curl --silent --show-error --globoff --cacert "$NBU_CA" --dump-header "$head" --output "$body" \
    --write-out '%{method} %{url_effective}' "$@")
  touch "$body"
  # Asked for the head alone, curl writes it there as well.
  case " $* " in *' --head '*) : >"$body" ;; esac
  printf 'step: %s\nasked: %s\n' "$step" "$asked"
  tr -d '\r' <"$head" | grep -v '^$'
  printf 'body: %s\n' "$(base64 -w0 "$body")"
}

printf '{"userName":"%s","password":"%s"}' "$NBU_USER" "$NBU_PASSWORD" >"$NBU_WORK/login.json"
ask login "$NBU_BASE/login" -X POST -H 'content-type:application/json' --data-binary "@$NBU_WORK/login.json"
token=$(sed 's/.*"token":"\([^"]*\)".*/\1/' "$body")
# Not among the arguments, where every user of the machine could read it.
printf 'authorization:%s\n' "$token" >"$NBU_WORK/authorization"
printf 'cookie: Authorization=%s\n' "$token" >"$NBU_WORK/cookie"
bare="@$NBU_WORK/authorization"

ask jobs "$NBU_BASE/admin/jobs?page[limit]=2" -H "$bare" -H 'content-type:application/json'
ask 'jobs by cookie' "$NBU_BASE/admin/jobs?page[limit]=1&sort=-jobId" -H "@$NBU_WORK/cookie"
ask 'jobs by HTTP/1.0' --http1.0 "$NBU_BASE/admin/jobs?page[limit]=1" -H "$bare"
ask 'jobs, compressed' --compressed "$NBU_BASE/admin/jobs?page[limit]=1" -H "$bare"
ask 'a job' "$NBU_BASE/admin/jobs/$NBU_JOB" -H "$bare" -H 'Accept: application/vnd.netbackup+json;version=4.0'
ask 'a policy' "$NBU_BASE/config/policies/reading" -H "$bare" -H 'Accept: text/html, application/json;q=0.9, */*;q=0.8'
ask 'its head' --head "$NBU_BASE/config/policies/reading" -H "$bare"
ask 'an image' "$NBU_BASE/catalog/images/$NBU_IMAGE" -H "$bare"
ask 'filtered' --get "$NBU_BASE/catalog/images" --data-urlencode "filter=clientName eq '$NBU_CLIENT'" -H "$bare"
ask 'count' "$NBU_BASE/admin/jobs-count-requests" -H "$bare" -H 'content-type:application/vnd.netbackup+json;version=9.0' \
  -d '{"data":{"type":"jobCount","attributes":{"filter":"jobType eq BACKUP"}}}'
# Larger than what curl sends before it has heard "100 Continue".
{
  printf '{"data":{"type":"jobCount","attributes":{"filter":"jobId eq 1"}},"pad":"'
  head -c 300000 /dev/zero | tr '\0' x
  printf '"}'
} >"$NBU_WORK/large.json"
ask 'large count' "$NBU_BASE/admin/jobs-count-requests" -H "$bare" -H 'content-type:application/json' -H 'Expect: 100-continue' \
  --data-binary "@$NBU_WORK/large.json"
ask 'chunked count' "$NBU_BASE/admin/jobs-count-requests" -H "$bare" -H 'content-type:application/json' -H 'Transfer-Encoding: chunked' \
  --data-binary "@$NBU_WORK/large.json"
ask 'form where JSON belongs' "$NBU_BASE/admin/manual-backup" -H "$bare" -d 'policyName=x'
ask 'restore of nothing' "$NBU_BASE/recovery/workloads/physical/scenarios/granular-files-folders/recover" -H "$bare" \
  -F 'recoveryRequest={};type=multipart/vnd.netbackup+form-data;version=5.0;filename=blob'
ask 'cancel of what is done' -X POST "$NBU_BASE/admin/jobs/$NBU_JOB/cancel" -H "$bare"
ask 'wrong token' "$NBU_BASE/admin/jobs" -H 'authorization: Bearer wrong'
ask 'wrong method' -X DELETE "$NBU_BASE/admin/jobs" -H "$bare"
ask 'key' "$NBU_BASE/tokenkey"
