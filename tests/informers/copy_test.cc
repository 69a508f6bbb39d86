// What a copy holds and tells, without a server.
#include "informers/copy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/informers/scripted_server.h"

namespace ph::informers::detail {
namespace {

using core::v1::ConfigMap;
using testing::ElementsAre, testing::IsEmpty;

AnyRef object(std::string key, std::uint64_t revision, std::string uid = "u") {
  return std::make_shared<const ConfigMap>(config_map(std::move(key), revision, std::move(uid)));
}

std::string text_of(const AnyRef& any) {
  if (!any) return "-";
  const auto& metadata = static_cast<const ConfigMap*>(any.get())->metadata();
  return fmt::format("{}/{}@{}", metadata.namespace_(), metadata.name(), metadata.resource_version());
}

std::vector<std::string> texts(const std::vector<AnyRef>& objects) {
  std::vector<std::string> out;
  for (const AnyRef& each : objects) out.push_back(text_of(each));
  return out;
}

class CopyTest : public testing::Test {
 protected:
  // By the number that the revision has after its last two digits.
  CopyTest() {
    copy_.add_index("hundreds", [](const void* any) -> std::vector<std::string> {
      const std::string& revision = static_cast<const ConfigMap*>(any)->metadata().resource_version();
      return {revision.substr(0, revision.size() - std::min<std::size_t>(2, revision.size()))};
    });
  }
  void drop(std::string_view key) {
    const ObjectKey parsed = ObjectKey::parse(key);
    copy_.drop(parsed);
  }
  std::vector<std::string> hundreds(std::string_view value) { return texts(copy_.by_index("hundreds", value)); }

  // Everything that the follower has not been told yet.
  std::vector<std::string> take(Follower& follower) {
    std::vector<std::string> out;
    while (follower.pending() > 0) {
      Call call(executor_, follower.next());
      const std::optional<AnyEvent> event = call.value();
      if (!event) break;
      const bool is_snapshot = !event->before && !event->after;
      out.push_back(is_snapshot ? "snapshot" : text_of(event->before) + ">" + text_of(event->after));
    }
    return out;
  }

  sim::SimExecutor executor_;
  Copy copy_{std::make_shared<const Decoder>(Followed<ConfigMap>::decoder())};
};

TEST_F(CopyTest, IsInOrderAndFindsByIndex) {
  copy_.put(object("b/x", 101));
  copy_.put(object("a/y", 205));
  copy_.put(object("b/a", 103));
  EXPECT_THAT(texts(copy_.list("")), ElementsAre("a/y@205", "b/a@103", "b/x@101"));
  EXPECT_THAT(texts(copy_.list("b")), ElementsAre("b/a@103", "b/x@101"));
  EXPECT_THAT(hundreds("1"), ElementsAre("b/a@103", "b/x@101"));
  EXPECT_EQ(text_of(copy_.find(ObjectKey{"b", "x"})), "b/x@101");
  EXPECT_EQ(copy_.find(ObjectKey{"b", "y"}), nullptr);

  copy_.put(object("b/x", 150));
  EXPECT_THAT(hundreds("1"), ElementsAre("b/a@103", "b/x@150")) << "the value is as it was, the object is not";
  copy_.put(object("b/a", 301));
  EXPECT_THAT(hundreds("1"), ElementsAre("b/x@150"));
  EXPECT_THAT(hundreds("3"), ElementsAre("b/a@301"));
  drop("b/x");
  EXPECT_THAT(hundreds("1"), IsEmpty());
  EXPECT_THAT(texts(copy_.list("")), ElementsAre("a/y@205", "b/a@301"));
}

TEST_F(CopyTest, AnIndexThatComesLaterKnowsWhatThereIs) {
  copy_.put(object("a/x", 7));
  copy_.add_index("names", [](const void* any) -> std::vector<std::string> {
    return {static_cast<const ConfigMap*>(any)->metadata().name(), "all"};
  });
  copy_.put(object("a/y", 8));
  EXPECT_THAT(texts(copy_.by_index("names", "all")), ElementsAre("a/x@7", "a/y@8"));
  EXPECT_THAT(texts(copy_.by_index("names", "x")), ElementsAre("a/x@7"));
}

TEST_F(CopyTest, TellsEachObjectOnceAndInOrder) {
  copy_.put(object("a/x", 1));
  const auto follower = copy_.follow(true);
  copy_.put(object("a/y", 2));
  copy_.put(object("a/x", 3));
  copy_.put(object("a/y", 4));
  EXPECT_EQ(follower->pending(), 3u);
  EXPECT_THAT(take(*follower), ElementsAre("->a/x@3", "snapshot", "->a/y@4"));
  copy_.put(object("a/x", 5));
  copy_.put(object("a/x", 6));
  drop("a/y");
  EXPECT_THAT(take(*follower), ElementsAre("a/x@3>a/x@6", "a/y@4>-"));
}

TEST_F(CopyTest, WhatCameAndWentUnseenIsNotTold) {
  const auto follower = copy_.follow(true);
  EXPECT_THAT(take(*follower), ElementsAre("snapshot"));
  copy_.put(object("a/x", 1));
  copy_.put(object("a/x", 2));
  drop("a/x");
  EXPECT_EQ(follower->pending(), 0u);
  copy_.put(object("a/x", 3, "v"));
  EXPECT_THAT(take(*follower), ElementsAre("->a/x@3"));
}

TEST_F(CopyTest, AnotherObjectOfTheNameIsTwoEvents) {
  const auto follower = copy_.follow(true);
  copy_.put(object("a/x", 1, "first"));
  EXPECT_THAT(take(*follower), ElementsAre("snapshot", "->a/x@1"));
  copy_.put(object("a/x", 2, "first"));
  copy_.put(object("a/x", 3, "second"));
  Call call(executor_, follower->next());
  EXPECT_EQ(text_of(call.value()->before), "a/x@1");
  EXPECT_EQ(call.value()->after, nullptr);
  // Between the two it changes, and goes.
  copy_.put(object("a/x", 4, "second"));
  EXPECT_EQ(follower->pending(), 1u);
  drop("a/x");
  EXPECT_THAT(take(*follower), IsEmpty());
}

TEST_F(CopyTest, IsReplacedByDifferences) {
  for (const char* key : {"a/x", "a/y", "a/z"}) copy_.put(object(key, 1));
  const auto follower = copy_.follow(true);
  take(*follower);
  const Decoder decoder = Followed<ConfigMap>::decoder();
  Objects next;
  put(next, decoder, object("a/w", 2));
  put(next, decoder, object("a/x", 1));
  put(next, decoder, object("a/y", 2));
  put(next, decoder, object("a/y", 3));
  copy_.replace(std::move(next));
  EXPECT_THAT(take(*follower), ElementsAre("a/z@1>-", "->a/w@2", "a/y@1>a/y@3"));
  EXPECT_THAT(texts(copy_.list("")), ElementsAre("a/w@2", "a/x@1", "a/y@3"));
}

TEST_F(CopyTest, AFollowerThatIsStoppedIsToldNothing) {
  const auto follower = copy_.follow(true);
  copy_.stop();
  Call call(executor_, follower->next());
  EXPECT_EQ(call.value(), std::nullopt);
}

}  // namespace
}  // namespace ph::informers::detail
