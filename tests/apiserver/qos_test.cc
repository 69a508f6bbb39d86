// The classes of service of pods.
#include "apiserver/registry/qos.h"

#include <gtest/gtest.h>

#include "api/codec.h"

namespace ph::apiserver {
namespace {

TEST(QosClass, CountsWhatIsMoreThanNothing) {
  struct Case {
    const char* name;
    const char* spec;
    const char* wanted;
  };
  const Case cases[] = {
      {"nothing", R"({"containers":[{}]})", "BestEffort"},
      {"nothing of much", R"({"containers":[{"resources":{"requests":{"cpu":"0"},"limits":{"memory":"0"}}}]})", "BestEffort"},
      {"less than nothing", R"({"containers":[{"resources":{"requests":{"cpu":"-1"}}}]})", "BestEffort"},
      {"what does not count", R"({"containers":[{"resources":{"requests":{"a.b/c":"1"}}}]})", "BestEffort"},
      {"a request", R"({"containers":[{"resources":{"requests":{"cpu":"1"}}}]})", "Burstable"},
      {"all of it", R"({"containers":[{"resources":{"requests":{"cpu":"1","memory":"1"},"limits":{"cpu":"1","memory":"1"}}}]})",
       "Guaranteed"},
      {"all but one container's",
       R"({"containers":[{"resources":{"requests":{"cpu":"1","memory":"1"},"limits":{"cpu":"1","memory":"1"}}},{}]})",
       "Burstable"},
      {"all that counts, and a limit of nothing",
       R"({"containers":[{"resources":{"requests":{"cpu":"1","memory":"0"},"limits":{"cpu":"1","memory":"0"}}}]})", "Burstable"},
      {"of the pod as a whole",
       R"({"containers":[{"resources":{"requests":{"cpu":"1"}}}],
           "resources":{"requests":{"cpu":"1","memory":"1"},"limits":{"cpu":"1","memory":"1"}}})",
       "Guaranteed"},
      {"of the pod as a whole, but of nothing",
       R"({"containers":[{"resources":{"requests":{"cpu":"1","memory":"1"},"limits":{"cpu":"1","memory":"1"}}}],"resources":{}})",
       "Guaranteed"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    core::v1::Pod pod;
    api::decode_json(c.spec, *pod.mutable_spec());
    EXPECT_EQ(qos_class(pod), c.wanted);
  }
}

}  // namespace
}  // namespace ph::apiserver
