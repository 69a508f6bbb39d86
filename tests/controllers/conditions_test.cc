// Conditions: when one is news, and what it keeps.
#include "controllers/common/conditions.h"

#include <gtest/gtest.h>

#include "apps/v1.pb.h"
#include "core/v1.pb.h"

namespace ph::controllers {
namespace {

using apps::v1::ReplicaSetCondition;
using apps::v1::ReplicaSetStatus;

ReplicaSetCondition condition(std::string type, std::string status, std::string reason, std::string message, int since) {
  ReplicaSetCondition out;
  out.set_type(std::move(type));
  out.set_status(std::move(status));
  out.set_reason(std::move(reason));
  out.set_message(std::move(message));
  out.mutable_last_transition_time()->set_seconds(since);
  return out;
}

// "type status reason message@since" of each.
std::string text(const ReplicaSetStatus& status) {
  std::string out;
  for (const auto& c : status.conditions()) {
    if (!out.empty()) out += ", ";
    out += c.type() + " " + c.status() + " " + c.reason() + " " + c.message() + "@" +
           std::to_string(c.last_transition_time().seconds());
  }
  return out;
}

ReplicaSetStatus two() {
  ReplicaSetStatus out;
  *out.add_conditions() = condition("A", "True", "Good", "m", 1);
  *out.add_conditions() = condition("B", "True", "Good", "m", 1);
  return out;
}

TEST(ConditionsTest, SetTellsNewsOnly) {
  struct Case {
    const char* name;
    ReplicaSetCondition fresh;
    const char* after;
  };
  const Case cases[] = {
      {"a new type", condition("C", "False", "Bad", "n", 9), "A True Good m@1, B True Good m@1, C False Bad n@9"},
      {"the same", condition("A", "True", "Good", "m", 9), "A True Good m@1, B True Good m@1"},
      {"another message", condition("A", "True", "Good", "n", 9), "A True Good m@1, B True Good m@1"},
      {"another reason", condition("A", "True", "Better", "n", 9), "B True Good m@1, A True Better n@1"},
      {"another status", condition("A", "False", "Good", "n", 9), "B True Good m@1, A False Good n@9"},
      {"the last of them", condition("B", "False", "Bad", "n", 9), "A True Good m@1, B False Bad n@9"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ReplicaSetStatus status = two();
    set_condition(status, c.fresh);
    EXPECT_EQ(text(status), c.after);
  }
}

TEST(ConditionsTest, FindsAndDropsByType) {
  ReplicaSetStatus status = two();
  ASSERT_NE(find_condition(status, "B"), nullptr);
  EXPECT_EQ(find_condition(status, "B")->type(), "B");
  EXPECT_EQ(find_condition(status, "b"), nullptr);
  EXPECT_EQ(find_condition(core::v1::NodeStatus(), "Ready"), nullptr);
  drop_condition(status, "C");
  EXPECT_EQ(text(status), "A True Good m@1, B True Good m@1");
  *status.add_conditions() = condition("A", "False", "Twice", "", 2);
  drop_condition(status, "A");
  EXPECT_EQ(text(status), "B True Good m@1");
}

}  // namespace
}  // namespace ph::controllers
