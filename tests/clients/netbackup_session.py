"""A script for NetBackup as its users write them with `requests`: logs in, makes a policy step by step with the ETag in a
global, backs it up, waits, finds the image and restores a file. Every answer goes to standard output, one JSON line each.

Environment: NBU_BASE, NBU_CA, NBU_USER, NBU_PASSWORD, NBU_CLIENT, NBU_POLICY, NBU_SOURCE, NBU_TARGET."""

import base64
import json
import os
import sys
import time
from datetime import datetime

import requests

base_url = os.environ["NBU_BASE"]
ca = os.environ["NBU_CA"]
client = os.environ["NBU_CLIENT"]
policy_name = os.environ["NBU_POLICY"]
# With the blank, as the samples have it.
content_type = "application/vnd.netbackup+json; version=2.0"
etag = ""


def told(step, resp):
    headers = {name.lower(): value for name, value in resp.headers.items()}
    path = resp.request.path_url.removeprefix("/netbackup")
    line = {"step": step, "method": resp.request.method, "path": path, "status": resp.status_code, "headers": headers,
            "body": base64.b64encode(resp.content).decode()}
    print(json.dumps(line), flush=True)
    return resp


def expect(step, resp, status):
    told(step, resp)
    if resp.status_code != status:
        # What the samples do with a failure: both members without asking.
        error = resp.json()
        sys.exit(f"{step}: {resp.status_code} {error['errorMessage']} {error['errorDetails']}")
    return resp


def login():
    url = base_url + "/login"
    body = {"userName": os.environ["NBU_USER"], "password": os.environ["NBU_PASSWORD"], "domainType": "", "domainName": ""}
    resp = requests.post(url, headers={"Content-Type": content_type}, data=json.dumps(body), verify=ca)
    return expect("login", resp, 201).json()["token"]


def call(step, method, path, status, body=None, **more):
    headers = {"Content-Type": content_type, "Authorization": jwt, **more.pop("headers", {})}
    resp = requests.request(method, base_url + path, headers=headers, json=body, verify=ca, **more)
    return expect(step, resp, status)


def change(step, method, path, status, body=None):
    global etag
    resp = call(step, method, path, status, body, headers={"If-Match": etag})
    etag = resp.headers["ETag"]


def wait_for(job_id, step):
    while True:
        headers = {"Content-Type": content_type, "Authorization": jwt}
        resp = requests.get(base_url + "/admin/jobs/" + str(job_id), headers=headers, verify=ca)
        attributes = resp.json()["data"]["attributes"]
        if attributes["state"] == "DONE":
            told(step, resp)
            return attributes
        time.sleep(0.2)


jwt = login()
policy = {"policyName": policy_name, "policyType": "Standard", "policyAttributes": {}, "clients": [], "schedules": [],
          "backupSelections": {"selections": []}}
call("create policy", "POST", "/config/policies/", 204, {"data": {"type": "policy", "id": policy_name, "attributes": {"policy": policy}}})
call("list policies", "GET", "/config/policies", 200)
etag = call("read policy", "GET", "/config/policies/" + policy_name, 200).headers["ETag"]
parts = "/config/policies/" + policy_name
change("add client", "PUT", parts + "/clients/" + client, 201,
       {"data": {"type": "client", "attributes": {"hardware": "Linux", "hostName": client, "OS": "Linux"}}})
schedule = {"scheduleName": "full", "acceleratorForcedRescan": False, "backupCopies": {"priority": -1, "copies": [
    {"mediaOwner": None, "storage": None, "retentionPeriod": {"value": 1, "unit": "WEEKS"}, "volumePool": None, "failStrategy": None}]},
    "backupType": "Full Backup", "frequencySeconds": 604800, "mediaMultiplexing": 1, "retriesAllowedAfterRunDay": False,
    "scheduleType": "Frequency", "snapshotOnly": False, "storageIsSLP": False, "syntheticBackup": False,
    "excludeDates": {"lastDayOfMonth": False, "recurringDaysOfMonth": [], "recurringDaysOfWeek": [], "specificDates": []},
    "startWindow": [{"dayOfWeek": day, "startSeconds": 0, "durationSeconds": 0} for day in range(1, 8)]}
change("add schedule", "PUT", parts + "/schedules/full", 201, {"data": {"type": "schedule", "id": "full", "attributes": schedule}})
change("set selections", "PUT", parts + "/backupselections", 204,
       {"data": {"type": "backupSelection", "attributes": {"selections": [os.environ["NBU_SOURCE"]]}}})

started = call("start backup", "POST", "//admin/manual-backup/", 202,
               {"data": {"type": "backupRequest", "attributes": {"policyName": policy_name, "scheduleName": "full"}}})
done = wait_for(started.json()["data"][0]["id"], "backup is done")
if done["status"] != 0:
    sys.exit(f"the backup has ended with {done['status']}")
images = requests.get(base_url + "/catalog/images", headers={"Authorization": jwt}, verify=ca,
                      params={"filter": f"policyName eq '{policy_name}' and clientName eq '{client}'", "page[limit]": "1"})
image = expect("find image", images, 200).json()["data"][0]
backup_time = image["attributes"]["backupTime"]
datetime.strptime(backup_time, "%Y-%m-%dT%H:%M:%S.000Z")

source, target = os.environ["NBU_SOURCE"], os.environ["NBU_TARGET"]
request = {"data": {"type": "physicalFilesFoldersRecoveryRequest", "attributes": {
    "recoveryPoint": {"client": client, "policyType": "STANDARD", "startDate": backup_time, "endDate": backup_time},
    "recoveryOptions": {"server": client, "destinationClient": client, "overwriteExistingFiles": False, "accessControlAttributes": True}}}}
part_type = "multipart/vnd.netbackup+form-data;version=5.0;charset=UTF-8"
files = {
    "recoveryRequest": ("blob", json.dumps(request), part_type),
    "selectionsFile": ("blob", json.dumps([{"path": source, "backupTime": backup_time}]), part_type),
    "renameFile": ("blob", json.dumps([{"from": source, "to": target}]), part_type),
}
restored = requests.post(base_url + "/recovery/workloads/physical/scenarios/granular-files-folders/recover", files=files, verify=ca,
                         headers={"Authorization": jwt, "Accept": "application/vnd.netbackup+json;version=5.0"})
job_id = expect("restore", restored, 201).json()["relationships"]["recoveryJob"]["data"]["id"]
if wait_for(job_id, "restore is done")["status"] != 0:
    sys.exit("the restore has failed")
call("delete policy", "DELETE", parts, 204, headers={"If-Match": etag})
call("read what is gone", "GET", parts, 404)
call("logout", "POST", "/logout", 200)
