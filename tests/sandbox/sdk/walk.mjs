// A walk through the sandbox with TikTok's official SDK: every endpoint that both have.
// Reads {address, app_id, secret, auth_code, people, adgroup_id} from stdin, prints the answers.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as sdk from "tiktok-business-api-sdk-official";

const given = JSON.parse(readFileSync(0, "utf8"));
sdk.ApiClient.instance.basePath = given.address;
const auth = new sdk.AuthenticationApi();
const audience = new sdk.AudienceApi();
const account = new sdk.AccountManagementApi();
const told = [];

function call(name, api, method, ...values) {
  return new Promise((resolve, reject) => {
    api[method](...values, (error, data, reply) => {
      if (error) return reject(new Error(`${method}: ${error}`));
      told.push({ name, code: reply.body.code, data: reply.body.data });
      resolve(reply.body.data);
    });
  });
}
const body = (fields) => ({ body: fields });
const pause = () => new Promise((done) => setTimeout(done, 1010));

const granted = await call("access_token", auth, "oauth2AccessToken", body({
  app_id: given.app_id, secret: given.secret, auth_code: given.auth_code,
}));
const token = granted.access_token;
const [mine, other] = granted.advertiser_ids;
await call("advertiser_get", auth, "oauth2AdvertiserGet", given.app_id, given.secret, token);
await call("advertiser_info", account, "advertiserInfo", [mine, other], token, {});

// As an ES module the SDK does not know a stream for a file; a buffer with a path it does.
const file = Object.assign(Buffer.from(given.people.join("\n")), { path: "people.csv" });
const signature = createHash("md5").update(file).digest("hex");
const upload = () => call("upload", audience, "dmpCustomAudienceFileUpload", token, {
  advertiser_id: mine, calculate_type: "EMAIL_SHA256", file_signature: signature, file,
});
const { file_path } = await upload();
const { custom_audience_id: made } = await call(
  "create", audience, "dmpCustomAudienceCreate", token, body({
    advertiser_id: mine, custom_audience_name: "By SDK", file_paths: [file_path],
    calculate_type: "EMAIL_SHA256",
  }));
await call("update", audience, "dmpCustomAudienceUpdate", token, body({
  advertiser_id: mine, custom_audience_id: made, file_paths: [file_path], action: "APPEND",
}));
await call("list", audience, "dmpCustomAudienceList", mine, token,
  { custom_audience_ids: [made], page: 1, page_size: 100 });
const { custom_audience_id: like } = await call(
  "lookalike_create", audience, "dmpCustomAudienceLookalikeCreate", token, body({
    advertiser_id: mine, custom_audience_name: "Like them",
    lookalike_spec: {
      source_audience_id: made, include_source: true, mobile_os: "ALL",
      placements: ["TikTok"], location_ids: ["6252001"], audience_size: "NARROW",
    },
  }));
await call("lookalike_update", audience, "dmpCustomAudienceLookalikeUpdate", token,
  body({ advertiser_id: mine, custom_audience_ids: [like] }));
await call("get", audience, "dmpCustomAudienceGet", mine, [made, like], token, { history_size: 5 });
await call("share", audience, "dmpCustomAudienceShare", token, body({
  advertiser_id: mine, custom_audience_ids: [made], shared_advertiser_ids: [other],
}));
await call("share_log", audience, "dmpCustomAudienceShareLog", mine, made, token, {});
await call("share_cancel", audience, "dmpCustomAudienceShareCancel", token, body({
  advertiser_id: mine, custom_audience_id: made, shared_advertiser_id: other,
}));
const use = (action_mode, usage_mode) => call(
  action_mode, audience, "dmpCustomAudienceApply", token, body({
    advertiser_id: mine, custom_audience_id: made, adgroup_ids: [given.adgroup_id],
    action_mode, usage_mode,
  }));
await use("Apply", "Include");
await call("apply_log", audience, "dmpCustomAudienceApplyLog", mine, [made], token, {});
await use("Disconnect");
await pause();
await call("delete", audience, "dmpCustomAudienceDelete", token,
  body({ advertiser_id: mine, custom_audience_ids: [made, like] }));
console.log(JSON.stringify(told));
