// Certificate signing requests and runtime classes.
#include "api/certificates.h"
#include "api/json_text.h"
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using certificates::v1::CertificateSigningRequest;

std::string base64(std::string_view text) {
  std::string out;
  append_base64(text, out);
  return out;
}
std::string block(const std::string& type) { return "-----BEGIN " + type + "-----\nYWJj\n-----END " + type + "-----\n"; }

std::string request(const std::string& members, const std::string& status = "",
                    const std::string& pem = block("CERTIFICATE REQUEST")) {
  return R"({"metadata":{"name":"x"},"spec":{"request":")" + base64(pem) + "\"" + members + R"(},"status":{)" + status + "}}";
}
std::string signer(const std::string& name) { return request(R"(,"usages":["any"],"signerName":")" + name + "\""); }
const std::string kFine = R"(,"usages":["any"],"signerName":"a.b/c")";

TEST(Validation, CertificateSigningRequest) {
  const std::string label =
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
      "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  const Case cases[] = {
      {"fine", request(kFine), {}},
      {"nothing",
       R"({"metadata":{"name":"x"}})",
       {"spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST", "spec.usages: Required value",
        "spec.signerName: Required value"}},
      {"something else",
       request(kFine, "", block("CERTIFICATE")),
       {"spec.request: Invalid value: \"" + base64(block("CERTIFICATE")) + "\": PEM block type must be CERTIFICATE REQUEST"}},
      {"usages",
       request(R"(,"usages":["any","any"],"signerName":"a.b/c","expirationSeconds":599)"),
       {R"(spec.usages[1]: Duplicate value: "any")",
        "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)"}},
      {"a signer without a path",
       signer("a.b"),
       {R"(spec.signerName: Invalid value: "a.b": must be a fully qualified domain and path of the form 'example.com/signer-name')"}},
      {"a signer of one label",
       signer("a/b"),
       {R"(spec.signerName: Invalid value: "a": should be a domain with at least two segments separated by dots)"}},
      {"a signer with a bad label",
       signer("a.B/c"),
       {R"(spec.signerName: Invalid value: "a.B": validating label "B": )" + label}},
      {"a signer of old",
       signer("kubernetes.io/legacy-unknown"),
       {R"(spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version)"}},
  };
  creates<CertificateSigningRequest>(cases);
}

std::string condition(const std::string& type, const std::string& status = "True", const std::string& reason = "r") {
  return R"({"type":")" + type + R"(","status":")" + status + R"(","reason":")" + reason + "\"}";
}
std::string with(const std::string& conditions, const std::string& certificate = "") {
  return request(kFine, R"("conditions":[)" + conditions + R"(],"certificate":")" + base64(certificate) + "\"");
}

Lines approval_problems(const std::string& old_json, const std::string& json) {
  Errors errors;
  validate_approval(parse<CertificateSigningRequest>(json), parse<CertificateSigningRequest>(old_json), errors);
  return lines(errors);
}

TEST(Validation, Approval) {
  struct Change {
    const char* name;
    std::string old, now;
    Lines expected;
  };
  const std::string approved = condition("Approved"), denied = condition("Denied");
  const Change cases[] = {
      {"approved", with(""), with(approved), {}},
      {"another reason", with(approved), with(condition("Approved", "True", "s")), {}},
      {"not quite",
       with(""),
       with(condition("Approved", "False")),
       {R"(status.conditions[0].status: Unsupported value: "False": supported values: "True")"}},
      {"something else", with(""), with(condition("Other", "False")), {}},
      {"something unheard of",
       with(""),
       with(condition("Other", "X")),
       {R"(status.conditions[0].status: Unsupported value: "X": supported values: "False", "True", "Unknown")"}},
      {"without a type", with(""), with(condition("")), {"status.conditions[0].type: Required value"}},
      {"twice", with(""), with(approved + "," + approved), {R"(status.conditions[1].type: Duplicate value: "Approved")"}},
      {"both",
       with(""),
       with(approved + "," + denied),
       {R"(status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive)"}},
      {"as it was", with(approved + "," + denied), with(approved + "," + denied), {}},
      {"withdrawn",
       with(approved),
       with(""),
       {R"(status.conditions: Forbidden: updates may not remove a condition of type "Approved")"}},
  };
  for (const Change& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(approval_problems(c.old, c.now), c.expected);
  }
}

TEST(Validation, IssuedCertificates) {
  struct Change {
    const char* name;
    std::string old, now;
    Lines expected;
  };
  const std::string approved = condition("Approved"), certificate = block("CERTIFICATE");
  const Change cases[] = {
      {"issued", with(approved), with(approved, certificate + certificate), {}},
      {"approved here",
       with(""),
       with(approved),
       {R"(status.conditions: Forbidden: updates may not add a condition of type "Approved")"}},
      {"another verdict",
       with(approved),
       with(condition("Approved", "True", "s")),
       {R"(status.conditions: Forbidden: updates may not modify a condition of type "Approved")"}},
      {"failed", with(approved), with(approved + "," + condition("Failed")), {}},
      {"no certificate",
       with(approved),
       with(approved, "x"),
       {R"(status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block)"}},
      {"a key",
       with(approved),
       with(approved, block("PRIVATE KEY")),
       {R"(status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY")"}},
      {"another one",
       with(approved, certificate),
       with(approved, certificate + certificate),
       {"status.certificate: Forbidden: updates may not modify existing certificate content"}},
  };
  for (const Change& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(status_problems<CertificateSigningRequest>(c.old, c.now), c.expected);
  }
}

TEST(Validation, RuntimeClass) {
  using node::v1::RuntimeClass;
  const auto runtime = [](const std::string& members) { return R"({"metadata":{"name":"x"},"handler":"h")" + members + "}"; };
  const Case cases[] = {
      {"fine", runtime(R"(,"overhead":{"podFixed":{"cpu":"100m"}},"scheduling":{"nodeSelector":{"a":"b"}})"), {}},
      {"nothing", R"({"metadata":{"name":"x"}})", {"handler: Required value"}},
      {"less than nothing",
       runtime(R"(,"overhead":{"podFixed":{"cpu":"-1"}})"),
       {R"(overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0)"}},
      {"a toleration twice",
       runtime(R"(,"scheduling":{"tolerations":[{"key":"k","operator":"Exists"},{"key":"k","operator":"Exists"}]})"),
       {R"(scheduling.tolerations[1]: Duplicate value: {"Key":"k","Operator":"Exists","Value":"","Effect":"","TolerationSeconds":null})"}},
      {"a value of what need only be there",
       runtime(R"(,"scheduling":{"tolerations":[{"key":"k","operator":"Exists","value":"v"}]})"),
       {R"(scheduling.tolerations[0].operator: Invalid value: "v": value must be empty when `operator` is 'Exists')"}},
  };
  creates<RuntimeClass>(cases);
  EXPECT_EQ(update_problems<RuntimeClass>(runtime(""), R"({"metadata":{"name":"x"},"handler":"i"})"),
            Lines{R"(handler: Invalid value: "i": field is immutable)"});
}

}  // namespace
}  // namespace ph::api
