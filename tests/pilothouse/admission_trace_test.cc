// `pilothouse admission-trace`: where an object is sent, and what is said of the answer.
#include "pilothouse/admission_trace.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ph::pilothouse {
namespace {

using nlohmann::json;

TEST(AdmissionTraceCommand, ObjectsAreSentWhereTheirKindIs) {
  const json core = json::parse(R"({"groupVersion":"v1","resources":[{"name":"pods/status","kind":"Pod","namespaced":true},
      {"name":"pods","kind":"Pod","namespaced":true},{"name":"nodes","kind":"Node","namespaced":false}]})");
  EXPECT_EQ(path_for(core, "Pod", "shop"), "/api/v1/namespaces/shop/pods");
  EXPECT_EQ(path_for(core, "Node", "shop"), "/api/v1/nodes");
  EXPECT_EQ(path_for(core, "Widget", "shop"), "");
  const json custom =
      json::parse(R"({"groupVersion":"example.com/v2","resources":[{"name":"widgets","kind":"Widget","namespaced":true}]})");
  EXPECT_EQ(path_for(custom, "Widget", "a b"), "/apis/example.com/v2/namespaces/a%20b/widgets");
  EXPECT_EQ(path_for(json(), "Pod", "shop"), "") << "the group is not served";
}

TEST(AdmissionTraceCommand, ChangesAreLines) {
  const Headers headers{{"Content-Type", "application/json"},
                        {"pilothouse-admission-trace", R"({"by":"Priority","op":"add","path":"/spec/priority","value":0})"},
                        {"Pilothouse-Admission-Trace", R"({"by":"A","op":"replace","path":"/spec/x"})"},
                        {"Pilothouse-Admission-Trace", R"({"by":"","op":"none","why":"there are more"})"},
                        {"Pilothouse-Admission-Trace", "no json"}};
  const auto changes = changes_in(headers);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes_text(changes),
            "  Priority  add      /spec/priority = 0\n"
            "  A         replace  /spec/x\n"
            "  (there are more)\n");
  EXPECT_EQ(changes_text({}), "  nothing is changed\n");
}

}  // namespace
}  // namespace ph::pilothouse
