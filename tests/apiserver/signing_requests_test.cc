// Certificate signing requests through the API: who asks, what never changes, and the two doors.
#include <gtest/gtest.h>

#include "api/json_text.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

const std::string kRequests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

constexpr std::string_view kRequestPem =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIHrMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lz\n"
    "dGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATdDUTR4qH4d4Et\n"
    "pLRrFyi+xX/yS3amqHlM6klPOnpYC26/VUkVbUWmTfOjnHfCdLtWgyGmQgGM9GkN\n"
    "D7akurIyoAAwCgYIKoZIzj0EAwIDSAAwRQIgNy6/w+O8p2UtnwtlkbXBSsiFoIi7\n"
    "7COk0o5DPJ5MVTsCIQDnS/PmNaMdy5OnAM/kME2RNctmLPg8Vm5Gg0w96l0nXA==\n"
    "-----END CERTIFICATE REQUEST-----\n";
constexpr std::string_view kCertificatePem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBbTCCARWgAwIBAgIUBmdBFtnT6iAubU7AMpic0UNS6KYwCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBeDAgFw0yNjExMjkxNDAzMDJaGA8yMTI2MTEwNTE0MDMwMlow\n"
    "DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABN0NRNHiofh3\n"
    "gS2ktGsXKL7Ff/JLdqaoeUzqSU86elgLbr9VSRVtRaZN86Ocd8J0u1aDIaZCAYz0\n"
    "aQ0PtqS6sjKjUzBRMB0GA1UdDgQWBBSgRRudWDKY1PtV/DzkuxXc0upPmDAfBgNV\n"
    "HSMEGDAWgBSgRRudWDKY1PtV/DzkuxXc0upPmDAPBgNVHRMBAf8EBTADAQH/MAoG\n"
    "CCqGSM49BAMCA0YAMEMCIG9HAi7+XcwiS+3KTD1KI79E9EL1DF/UJcRfeYN65bQi\n"
    "Ah8sf60sR0tXBT8dEdKY0+ZQL8dc8tPhi/nwRSCpui06\n"
    "-----END CERTIFICATE-----\n";

std::string base64(std::string_view text) {
  std::string out;
  api::append_base64(text, out);
  return out;
}

json request(std::string_view pem = kRequestPem) {
  return {{"metadata", {{"name", "r"}}},
          {"spec", {{"request", base64(pem)}, {"signerName", "a.b/c"}, {"usages", {"client auth"}}, {"username", "somebody"}}},
          {"status", {{"conditions", {{{"type", "Approved"}, {"status", "True"}}}}}}};
}

Reply put(StandardWorld& world, const std::string& target, const json& object) {
  return world.send(StandardWorld::request("PUT", target, object.dump()));
}

TEST(SigningRequests, TheServerTellsWhoAsks) {
  StandardWorld world;
  const Reply made = world.post(kRequests, request().dump());
  ASSERT_EQ(made.status, 201) << made.body;
  const json spec = made.json()["spec"];
  EXPECT_NE(spec["username"], "somebody");
  EXPECT_FALSE(spec["username"].get<std::string>().empty());
  EXPECT_TRUE(spec.contains("groups"));
  EXPECT_EQ(made.json()["status"], json::object()) << "nobody brings a verdict along";
}

TEST(SigningRequests, WhatIsAskedForStays) {
  StandardWorld world;
  json made = world.post(kRequests, request().dump()).json();
  const json spec = made["spec"];
  made["spec"]["signerName"] = "d.e/f";
  made["spec"]["username"] = "root";
  made["metadata"]["labels"]["a"] = "b";
  const Reply changed = put(world, kRequests + "/r", made);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.json()["spec"], spec);
  EXPECT_EQ(changed.json()["metadata"]["labels"]["a"], "b");
}

TEST(SigningRequests, AreSignedByTheirKey) {
  StandardWorld world;
  std::string broken(kRequestPem);
  broken[broken.size() - 60] = broken[broken.size() - 60] == 'A' ? 'B' : 'A';  // in the signature
  for (const std::string& pem :
       {broken, std::string("-----BEGIN CERTIFICATE REQUEST-----\nYWJj\n-----END CERTIFICATE REQUEST-----\n")}) {
    const Reply refused = world.post(kRequests, request(pem).dump());
    EXPECT_EQ(refused.status, 422) << refused.body;
    EXPECT_EQ(refused.json()["details"]["causes"][0]["field"], "spec.request");
  }
}

TEST(SigningRequests, Doors) {
  StandardWorld world;
  json object = world.post(kRequests, request().dump()).json();
  object.erase("status");
  object["metadata"].erase("resourceVersion");
  const auto with = [&](const json& conditions, std::string_view certificate) {
    json out = object;
    out["status"]["conditions"] = conditions;
    if (!certificate.empty()) out["status"]["certificate"] = base64(certificate);
    return out;
  };
  const json approved = {{{"type", "Approved"}, {"status", "True"}, {"reason", "r"}}};

  // The status is not where a request is approved, nor the approval where a certificate comes from.
  EXPECT_EQ(put(world, kRequests + "/r/status", with(approved, "")).status, 422);
  const Reply verdict = put(world, kRequests + "/r/approval", with(approved, kCertificatePem));
  ASSERT_EQ(verdict.status, 200) << verdict.body;
  const json condition = verdict.json()["status"]["conditions"][0];
  EXPECT_TRUE(condition.contains("lastUpdateTime"));
  EXPECT_TRUE(condition["lastTransitionTime"].is_string());
  EXPECT_FALSE(verdict.json()["status"].contains("certificate"));

  EXPECT_EQ(put(world, kRequests + "/r/approval", with(json::array(), "")).status, 422) << "withdrawn";
  json other = approved;
  other[0]["reason"] = "another";
  const Reply issued = put(world, kRequests + "/r/status", with(other, kCertificatePem));
  ASSERT_EQ(issued.status, 200) << issued.body;
  EXPECT_EQ(issued.json()["status"]["certificate"], base64(kCertificatePem));
  EXPECT_EQ(issued.json()["status"]["conditions"][0], condition) << "the verdict is that of the other door";
  EXPECT_EQ(put(world, kRequests + "/r/status", with(approved, std::string(kCertificatePem) + "\n")).status, 422)
      << "another certificate";

  HttpRequest patch = StandardWorld::request("PATCH", kRequests + "/r/approval");
  patch.headers.add("Content-Type", "application/merge-patch+json");
  patch.body = R"({"status":{"conditions":[{"type":"Approved","status":"True","reason":"p"}]}})";
  const Reply patched = world.send(std::move(patch));
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.json()["status"]["conditions"][0]["reason"], "p");
  EXPECT_EQ(world.get(kRequests + "/r/approval").json()["metadata"]["name"], "r");
}

// Who may write to a door may still lack the right to do so for the signer.
TEST(SigningRequests, TheSignerIsAskedForToo) {
  struct Case {
    const char* name;
    json signers;  // of the rule; null: there is no such rule
    const char* verb;
    const char* door;
    int status;
  };
  const Case cases[] = {
      {"approves, and may not", nullptr, "approve", "approval", 403},
      {"approves for this signer", {"a.b/c"}, "approve", "approval", 200},
      {"approves for its domain", {"a.b/*"}, "approve", "approval", 200},
      {"approves for every signer", json::array(), "approve", "approval", 200},
      {"approves for another signer", {"a.b/d", "a.b.c/*"}, "approve", "approval", 403},
      {"approves, and may sign", {"a.b/c"}, "sign", "approval", 403},
      {"signs, and may not", nullptr, "sign", "status", 403},
      {"signs for this signer", {"a.b/c"}, "sign", "status", 200},
      {"signs, and may approve", {"a.b/c"}, "approve", "status", 403},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    StandardWorld world;
    json rules = json::parse(R"([{"apiGroups":["certificates.k8s.io"],"verbs":["update"],
        "resources":["certificatesigningrequests/approval","certificatesigningrequests/status"]}])");
    if (!c.signers.is_null()) {
      rules.push_back({{"apiGroups", {"certificates.k8s.io"}}, {"verbs", {c.verb}}, {"resources", {"signers"}}});
      if (!c.signers.empty()) rules.back()["resourceNames"] = c.signers;
    }
    const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/";
    ASSERT_EQ(world.post(rbac + "clusterroles", json{{"metadata", {{"name", "r"}}}, {"rules", rules}}.dump()).status, 201);
    const json subject = {{"kind", "User"}, {"name", "eve"}, {"apiGroup", "rbac.authorization.k8s.io"}};
    const json binding = {{"metadata", {{"name", "b"}}},
                          {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "r"}}},
                          {"subjects", {subject}}};
    ASSERT_EQ(world.post(rbac + "clusterrolebindings", binding.dump()).status, 201);
    json object = world.post(kRequests, request().dump()).json();
    const char* word = c.door == std::string("approval") ? "approve" : "sign";
    if (word == std::string("approve")) object["status"]["conditions"] = {{{"type", "Approved"}, {"status", "True"}}};
    else object["status"]["certificate"] = base64(kCertificatePem);
    const std::string target = kRequests + "/r/" + c.door;
    const Reply answer = world.send(StandardWorld::request("PUT", target, object.dump(), StandardWorld::user("eve")));
    EXPECT_EQ(answer.status, c.status) << answer.body;
    if (c.status == 403) {
      EXPECT_EQ(answer.message(), std::string("certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not "
                                              "permitted to ") +
                                      word + " requests with signerName \"a.b/c\"");
    }
  }
}

TEST(SigningRequests, AStatusThatStaysIsNobodysVerdict) {
  StandardWorld world;
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/";
  world.post(rbac + "clusterroles", R"({"metadata":{"name":"r"},"rules":[{"apiGroups":["certificates.k8s.io"],"verbs":["update"],
      "resources":["certificatesigningrequests/status"]}]})");
  world.post(rbac + "clusterrolebindings", R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",
      "kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"eve","apiGroup":"rbac.authorization.k8s.io"}]})");
  json object = world.post(kRequests, request().dump()).json();
  object["metadata"]["labels"]["a"] = "b";
  const Reply answer =
      world.send(StandardWorld::request("PUT", kRequests + "/r/status", object.dump(), StandardWorld::user("eve")));
  EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST(SigningRequests, CertificatesAreCertificates) {
  StandardWorld world;
  json object = world.post(kRequests, request().dump()).json();
  object["metadata"].erase("resourceVersion");
  object["status"]["certificate"] = base64("-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n");
  const Reply refused = put(world, kRequests + "/r/status", object);
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_EQ(refused.json()["details"]["causes"][0]["field"], "status.certificate");
}

TEST(SigningRequests, NobodyAsksToBeAMaster) {
  constexpr std::string_view kMasterPem =
      "-----BEGIN CERTIFICATE REQUEST-----\n"
      "MIHjMIGKAgEAMCgxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQ0wCwYDVQQDDARy\n"
      "b290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3Q1E0eKh+HeBLaS0axcovsV/\n"
      "8kt2pqh5TOpJTzp6WAtuv1VJFW1Fpk3zo5x3wnS7VoMhpkIBjPRpDQ+2pLqyMqAA\n"
      "MAoGCCqGSM49BAMCA0gAMEUCIGHg9vU0gIYP6qc+1kawaTq2b5kIPAKR1v/d96SP\n"
      "kLjhAiEA+gSzX8XP7eOPwK//9Qpv7TEZtexZQKRsLCmQ40nlp3s=\n"
      "-----END CERTIFICATE REQUEST-----\n";
  StandardWorld world;
  json master = request(kMasterPem);
  EXPECT_EQ(world.post(kRequests + "?dryRun=All", master.dump()).status, 201) << "of another signer";
  master["spec"]["signerName"] = "kubernetes.io/kube-apiserver-client";
  const Reply refused = world.post(kRequests, master.dump());
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(
      refused.message(),
      "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: use of kubernetes.io/kube-apiserver-client signer with "
      "system:masters group is not allowed");
  json other = request();
  other["spec"]["signerName"] = "kubernetes.io/kube-apiserver-client";
  EXPECT_EQ(world.post(kRequests, other.dump()).status, 201);
}

TEST(SigningRequests, AreFoundBySigner) {
  StandardWorld world;
  ASSERT_EQ(world.post(kRequests, request().dump()).status, 201);
  EXPECT_EQ(world.get(kRequests + "?fieldSelector=spec.signerName%3Da.b%2Fc").json()["items"].size(), 1u);
  EXPECT_EQ(world.get(kRequests + "?fieldSelector=spec.signerName%3Da.b%2Fd").json()["items"].size(), 0u);
}

}  // namespace
}  // namespace ph::apiserver::testing
