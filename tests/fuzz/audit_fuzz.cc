// Any text as a policy of auditing: refused, or one whose rules can be asked about any request.
#include "apiserver/audit/policy.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {

using namespace ph::apiserver;

void audit(std::string_view text) {
  std::vector<std::string> complaints;
  try {
    const audit::Policy policy = audit::read_policy(text, complaints);
    PH_ASSERT(!policy.rules.empty());
    const Identity user{.name = "jane", .uid = {}, .groups = {"readers"}, .extra = {}};
    RequestInfo request;
    request.verb = "get";
    request.path = "/healthz";
    (void)audit::judge(policy, &user, request);
    request.is_resource = true;
    request.resource = "pods";
    request.subresource = "log";
    const audit::Judgement known = audit::judge(policy, &user, request);
    PH_ASSERT(audit::judge(policy, &user, request).level == known.level);
    (void)audit::judge(policy, nullptr, request);
  } catch (const std::invalid_argument& error) {
    PH_ASSERT(*error.what() != '\0');
  }
}

}  // namespace ph::fuzz
