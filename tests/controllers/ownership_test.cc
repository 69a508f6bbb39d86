// Whose an object is: claims, adoption and release.
#include "controllers/common/ownership.h"

#include <gtest/gtest.h>

namespace ph::controllers {
namespace {

TEST(OwnershipTest, JudgesClaims) {
  struct Case {
    const char* name;
    const char* controller;
    bool selected, object_deleting, owner_deleting;
    Claim claim;
  };
  const Case cases[] = {
      {"ours", "me", true, false, false, Claim::Keep},
      {"ours, though I end", "me", true, false, true, Claim::Keep},
      {"no longer selected", "me", false, false, false, Claim::Release},
      {"no longer selected when I end", "me", false, false, true, Claim::Ignore},
      {"another's", "you", true, false, false, Claim::Ignore},
      {"an orphan", "", true, false, false, Claim::Adopt},
      {"an orphan that ends", "", true, true, false, Claim::Ignore},
      {"an orphan when I end", "", true, false, true, Claim::Ignore},
      {"somebody's orphan", "", false, false, false, Claim::Ignore},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Owner owner;
    owner.uid = "me";
    owner.deleting = c.owner_deleting;
    EXPECT_EQ(judge_claim(owner, c.controller, c.selected, c.object_deleting), c.claim);
  }
}

}  // namespace
}  // namespace ph::controllers
