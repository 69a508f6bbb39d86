#include "election/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "election/lease_election.h"

namespace ph::election {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ElectionOptions options(Duration lease, Duration renew, Duration retry) {
  ElectionOptions out;
  out.resource_name = "demo";
  out.lease_duration = lease;
  out.renew_deadline = renew;
  out.retry_period = retry;
  return out;
}

TEST(ElectionOptions, AreCheckedAsUpstreamChecksThem) {
  struct Case {
    const char* name;
    Duration lease, renew, retry;
    const char* problem;  // null: none
  };
  const Case kCases[] = {
      {"the defaults", 15s, 10s, 2s, nullptr},
      {"the lease is no longer than the deadline", 10s, 10s, 2s, "leaseDuration must be greater than renewDeadline"},
      {"a deadline of less than a jittered retry", 15s, 2400ms, 2s,
       "renewDeadline must be greater than retryPeriod*JitterFactor"},
      {"a little more", 15s, 2401ms, 2s, nullptr},
      {"no lease", 0s, 10s, 2s, "leaseDuration must be greater than zero"},
      {"no deadline", 15s, 0s, 2s, "renewDeadline must be greater than zero"},
      {"no retry", 15s, 10s, 0s, "retryPeriod must be greater than zero"},
      {"longer than the deadline only by what a lease cannot say", 2900ms, 2500ms, 1s, "in whole seconds"},
      {"less than a second", 900ms, 500ms, 100ms, "in whole seconds"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const auto found = problems(options(c.lease, c.renew, c.retry));
    if (c.problem == nullptr) {
      EXPECT_THAT(found, IsEmpty());
    } else {
      EXPECT_THAT(found, ::testing::Contains(HasSubstr(c.problem)));
    }
  }
}

TEST(ElectionOptions, NamesAreNeeded) {
  ElectionOptions out;
  out.resource_lock = "endpoints";
  out.resource_namespace = "";
  EXPECT_THAT(problems(out),
              ElementsAre("Invalid lock-type endpoints", "resourceName is required", "resourceNamespace is required"));
  out.leader_elect = false;
  EXPECT_THAT(problems(out), IsEmpty());
}

TEST(ElectionOptions, AnIdentityIsTheHostAndAUuid) {
  SeededRng rng(1);
  const std::string one = election_identity("host", rng);
  EXPECT_EQ(one.size(), std::string("host_").size() + 36);
  EXPECT_THAT(one, ::testing::StartsWith("host_"));
  EXPECT_NE(one, election_identity("host", rng));
}

}  // namespace
}  // namespace ph::election
