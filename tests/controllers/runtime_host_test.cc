// The runtime with a loop made for the purpose, against a server that is a script: what the watch delays, the loop must not see.
#include "controllers/runtime/host.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/informers/scripted_server.h"

namespace ph::controllers {
namespace {

using core::v1::ConfigMap;
using informers::bookmark, informers::config_map, informers::ScriptedServer;
using testing::ElementsAre, testing::IsEmpty;

// Does what the test says, and notes what it saw.
struct Script {
  std::vector<std::string> seen;  // "key@revision in the cache"
  std::function<Task<Outcome>(Client&, ObjectKey)> act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  int beside_runs = 0;
};
Script* g_script = nullptr;

class Scripted final : public Loop {
 public:
  explicit Scripted(const World& world) : client_(world.client), maps_(world.informer<ConfigMap>()) {}
  Task<Outcome> reconcile(ObjectKey key) override {
    const auto cached = maps_.find(key);
    g_script->seen.push_back(key.name + "@" + (cached ? cached->metadata().resource_version() : "-"));
    co_return co_await g_script->act(client_, std::move(key));
  }
  Task<void> run_beside() override {
    ++g_script->beside_runs;
    co_return;
  }

 private:
  Client& client_;
  Informer<ConfigMap>& maps_;
};

// Those with a size are of interest when it changes, which may wait, or when they are gone.
std::vector<LoopBuilder::Wake> wakes_of(const ConfigMap* before, const ConfigMap* after, const World&) {
  const auto size = [](const ConfigMap* map) {
    return map && map->metadata().labels().contains("size") ? map->metadata().labels().at("size") : std::string();
  };
  if (size(before) == size(after) || !before) return {};
  if (!after) return {{{"a", "gone"}}};
  return {{{"a", "changed"}, 10s}};
}

// Own objects, and those that say whose they are by a label.
void scripted_loop(LoopBuilder& loop) {
  loop.reconciles<ConfigMap>([](const ConfigMap& map) { return !map.metadata().labels().contains("for"); })
      .watches<ConfigMap>([](const ConfigMap& map, const World&) -> LoopBuilder::Keys {
        const auto found = map.metadata().labels().find("for");
        if (found == map.metadata().labels().end()) return {};
        return {{map.metadata().namespace_(), found->second}};
      })
      .watches_changes<ConfigMap>(wakes_of)
      .with<Scripted>();
}

constexpr LoopEntry kEntry{"scripted-controller", "scripted", scripted_loop, true, 2};

class HostTest : public testing::Test {
 protected:
  HostTest() { g_script = &script_; }
  ~HostTest() override {
    host_.stop();
    informers_.stop();
    executor_.drain();
  }

  void start(const std::vector<ConfigMap>& objects, std::uint64_t revision) {
    host_.start();
    executor_.drain();
    EXPECT_THAT(script_.seen, IsEmpty()) << "nothing runs before the cache is complete";
    server_.expect();
    watch_.emplace(server_.accept_watch());
    for (const ConfigMap& object : objects) watch_->send("ADDED", object);
    watch_->send("BOOKMARK", bookmark(revision, true));
    executor_.drain();
  }
  // A term begins when the cache holds what the server has now: `objects`.
  void catch_up(const std::vector<ConfigMap>& objects) {
    executor_.drain();
    EXPECT_THAT(script_.seen, IsEmpty()) << "the cache may be behind";
    EXPECT_THAT(std::string(server_.expect().headers.get("accept")), testing::HasSubstr("as=PartialObjectMetadataList"));
    meta::v1::PartialObjectMetadataList list;
    list.mutable_metadata()->set_resource_version("50");
    for (const ConfigMap& object : objects) *list.add_items()->mutable_metadata() = object.metadata();
    server_.answer(list);
  }
  std::vector<std::string> seen() {
    executor_.drain();
    return std::exchange(script_.seen, {});
  }
  LoopStats stats() { return *host_.stats("scripted"); }
  // Makes a key's turn come, as some other event would.
  void touch(std::string name, std::uint64_t revision) { watch_->send("MODIFIED", config_map("a/" + name, revision)); }
  // x deletes its part, and is not told what came of it.
  void delete_with_unknown_outcome() {
    script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
      co_await client.remove<ConfigMap>({"a", "part"});
      co_return Outcome::done();
    };
    start({config_map("a/x", 3), made_for("part", 5)}, 8);
    seen();
    server_.refuse(504, "Timeout");
    script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
    executor_.advance(5ms);
  }
  static ConfigMap made_for(std::string name, std::uint64_t revision) {
    ConfigMap out = config_map("a/" + name, revision);
    (*out.mutable_metadata()->mutable_labels())["for"] = "x";
    return out;
  }

  sim::SimExecutor executor_;
  ScriptedServer server_{executor_};
  informers::Client client_{server_, "test"};
  SeededRng rng_{1};
  informers::Informers informers_{executor_, client_, rng_, Log()};
  Script script_;
  Options options_;
  LoopHost host_{{.executor = executor_,
                  .transport = [this](std::string_view) -> Transport& { return server_; },
                  .informers = informers_,
                  .rng = rng_,
                  .log = Log(),
                  .options = options_},
                 {&kEntry}};
  std::optional<ScriptedServer::Watch> watch_;
};

TEST_F(HostTest, ShowsBothStatesOfAChange) {
  const auto sized = [](std::uint64_t revision, const char* size) {
    ConfigMap out = made_for("s", revision);
    (*out.mutable_metadata()->mutable_labels())["size"] = size;
    return out;
  };
  start({sized(3, "1")}, 5);
  EXPECT_THAT(seen(), ElementsAre("x@-")) << "as the other source says: what was there from the start is no change";
  watch_->send("MODIFIED", sized(6, "1"));
  EXPECT_THAT(seen(), ElementsAre("x@-"));
  executor_.advance(1min);
  EXPECT_THAT(seen(), IsEmpty()) << "nothing of interest";
  watch_->send("MODIFIED", sized(7, "2"));
  EXPECT_THAT(seen(), ElementsAre("x@-"));
  executor_.advance(9s);
  EXPECT_THAT(seen(), IsEmpty()) << "it may wait";
  executor_.advance(1s);
  EXPECT_THAT(seen(), ElementsAre("changed@-"));
  watch_->send("DELETED", sized(8, "2"));
  EXPECT_THAT(seen(), testing::UnorderedElementsAre("x@-", "gone@-"));
}

TEST_F(HostTest, ReconcilesWhatExistsAndWhatChanges) {
  start({config_map("a/x", 3), config_map("a/y", 4)}, 8);
  EXPECT_THAT(seen(), ElementsAre("x@3", "y@4"));
  EXPECT_EQ(script_.beside_runs, 1);
  touch("x", 9);
  EXPECT_THAT(seen(), ElementsAre("x@9"));
  watch_->send("DELETED", config_map("a/y", 10));
  EXPECT_THAT(seen(), ElementsAre("y@-"));
  EXPECT_EQ(stats().reconciles, 4u);
  EXPECT_TRUE(host_.idle());
}

TEST_F(HostTest, AStandbyIsWarmAndStartsInPlace) {
  host_.warm();
  executor_.drain();
  server_.expect();
  watch_.emplace(server_.accept_watch());
  watch_->send("ADDED", config_map("a/x", 3));
  watch_->send("ADDED", config_map("a/y", 4));
  watch_->send("BOOKMARK", bookmark(8, true));
  touch("x", 9);
  EXPECT_THAT(seen(), IsEmpty()) << "a standby does nothing";
  host_.start();
  catch_up({config_map("a/x", 9), config_map("a/y", 4)});
  EXPECT_THAT(seen(), ElementsAre("x@9", "y@4"));

  // The lease is lost, and had again: the informers have never stopped.
  host_.stop();
  touch("x", 12);
  EXPECT_THAT(seen(), IsEmpty());
  EXPECT_FALSE(host_.stats("scripted"));
  host_.start();
  catch_up({config_map("a/x", 12), config_map("a/y", 4)});
  EXPECT_THAT(seen(), ElementsAre("x@12", "y@4"));
  touch("y", 13);
  EXPECT_THAT(seen(), ElementsAre("y@13"));
  EXPECT_EQ(informers_.stats().lists, 1u);
  EXPECT_EQ(informers_.stats().watches, 1u);
}

// What it was doing when the lease was lost ends where it is, and its keys are looked at again.
TEST_F(HostTest, AStopEndsAReconcileInTheMiddle) {
  script_.act = [](Client& client, ObjectKey key) -> Task<Outcome> {
    co_await client.update<ConfigMap>(config_map(key.text(), 3));
    ADD_FAILURE() << "it went on after the stop";
    co_return Outcome::done();
  };
  start({config_map("a/x", 3)}, 8);
  EXPECT_THAT(seen(), ElementsAre("x@3"));
  server_.expect();
  host_.stop();
  server_.lose();  // nobody hears what became of it
  executor_.advance(1min);
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  host_.start();
  catch_up({config_map("a/x", 3)});
  EXPECT_THAT(seen(), ElementsAre("x@3"));
}

TEST_F(HostTest, RetriesExceptionsWithBackoff) {
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> {
    throw std::runtime_error("no");
    co_return Outcome::done();
  };
  start({config_map("a/x", 3)}, 8);
  EXPECT_EQ(seen().size(), 1u);
  executor_.advance(5ms);
  EXPECT_EQ(seen().size(), 1u);
  executor_.advance(9ms);
  EXPECT_THAT(seen(), IsEmpty());
  executor_.advance(1ms);
  EXPECT_EQ(seen().size(), 1u);
  EXPECT_EQ(stats().errors, 3u);
  EXPECT_EQ(stats().queue.retries, 3u);
}

TEST_F(HostTest, ComesBackWhenTheLoopSaysSo) {
  const Time due = executor_.clock().now() + 30s;
  script_.act = [due](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::again_at(due); };
  start({config_map("a/x", 3)}, 8);
  seen();
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  executor_.advance(29999ms);
  EXPECT_THAT(seen(), IsEmpty());
  executor_.advance(1ms);
  EXPECT_THAT(seen(), ElementsAre("x@3"));
}

TEST_F(HostTest, WaitsForItsOwnUpdate) {
  script_.act = [](Client& client, ObjectKey key) -> Task<Outcome> {
    co_await client.update<ConfigMap>(config_map(key.text(), 3));
    co_return Outcome::done();
  };
  start({config_map("a/x", 3), config_map("a/y", 4)}, 8);
  EXPECT_THAT(seen(), ElementsAre("x@3", "y@4"));
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  server_.answer(config_map("a/x", 20));
  server_.answer(config_map("a/y", 21));  // both wrote; this answer belongs to y's
  touch("x", 15);                         // somebody else's change, older than ours
  EXPECT_THAT(seen(), IsEmpty()) << "x is due, but the cache is behind its own write";
  EXPECT_EQ(stats().held, 2u) << "and y comes again when its own is seen";
  touch("x", 20);
  EXPECT_THAT(seen(), ElementsAre("x@20"));
}

TEST_F(HostTest, WaitsForWhatItCreatedForTheKey) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    co_await client.create<ConfigMap>(made_for("part", 0));
    co_return Outcome::done();
  };
  start({config_map("a/x", 3)}, 8);
  seen();
  server_.answer(made_for("part", 20));
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  touch("x", 15);
  EXPECT_THAT(seen(), IsEmpty());
  watch_->send("ADDED", config_map("a/other", 16));
  EXPECT_THAT(seen(), ElementsAre("other@16")) << "other keys go on";
  watch_->send("ADDED", made_for("part", 20));
  EXPECT_THAT(seen(), ElementsAre("x@15"));
}

TEST_F(HostTest, WaitsUntilWhatItDeletedIsGone) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    co_await client.remove<ConfigMap>({"a", "part"});
    co_return Outcome::done();
  };
  start({config_map("a/x", 3), made_for("part", 5)}, 8);
  EXPECT_THAT(seen(), ElementsAre("x@3"));
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  meta::v1::Status success;
  success.set_status("Success");
  server_.answer(success);
  touch("x", 30);
  EXPECT_THAT(seen(), IsEmpty());
  watch_->send("DELETED", made_for("part", 31));
  EXPECT_THAT(seen(), ElementsAre("x@30"));
}

// Whichever way the answer tells that it was another one: by the UID that was asked for, or by its revision.
TEST_F(HostTest, ANameUsedAgainBeforeTheAnswerIsNotWaitedFor) {
  for (const bool by_uid : {true, false}) {
    SCOPED_TRACE(by_uid);
    const std::uint64_t base = by_uid ? 0 : 100;
    script_.act = [by_uid](Client& client, ObjectKey) -> Task<Outcome> {
      DeleteOptions options;
      if (by_uid) options.uid = "uid-part";
      co_await client.remove<ConfigMap>({"a", "part"}, options);
      co_return Outcome::done();
    };
    const ConfigMap part = made_for("part", base + 5);
    if (by_uid) start({config_map("a/x", 3), part}, 8);
    else watch_->send("ADDED", part);
    EXPECT_THAT(seen(), ElementsAre("x@" + std::string(by_uid ? "3" : "30")));
    watch_->send("DELETED", made_for("part", base + 20));
    ConfigMap next = made_for("part", base + 21);
    next.mutable_metadata()->set_uid("another");
    watch_->send("ADDED", next);
    script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
    EXPECT_THAT(seen(), IsEmpty());
    meta::v1::Status success;
    success.set_status("Success");
    if (by_uid) server_.answer(success);
    else server_.answer(made_for("part", base + 20));
    touch("x", base + 30);
    EXPECT_FALSE(seen().empty());
    watch_->send("DELETED", next);
    seen();
  }
}

// It is not there, and what the cache holds came later.
TEST_F(HostTest, ANameUsedAgainAfterTheLookUpIsNotWaitedFor) {
  delete_with_unknown_outcome();
  server_.expect();
  watch_->send("DELETED", made_for("part", 31));
  ConfigMap next = made_for("part", 60);
  next.mutable_metadata()->set_uid("another");
  watch_->send("ADDED", next);
  meta::v1::PartialObjectMetadataList list;
  list.mutable_metadata()->set_resource_version("50");
  server_.answer(list);
  EXPECT_THAT(seen(), ElementsAre("x@3"));
}

TEST_F(HostTest, AnObjectThatEndsSlowlyIsSeenByItsTimestamp) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    co_await client.remove<ConfigMap>({"a", "part"});
    co_return Outcome::done();
  };
  start({config_map("a/x", 3), made_for("part", 5)}, 8);
  seen();
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  ConfigMap ending = made_for("part", 20);
  ending.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  server_.answer(ending);
  touch("x", 15);
  EXPECT_THAT(seen(), IsEmpty());
  watch_->send("MODIFIED", ending);
  EXPECT_THAT(seen(), ElementsAre("x@15"));
}

// The answer to who takes the last finalizer is what the object was before its end: the copy may have reached that long ago.
TEST_F(HostTest, WaitsForTheEndOfWhatItLetGo) {
  struct Case {
    const char* name;
    bool finalizers;
    std::optional<std::int64_t> grace;
    bool ends;
  };
  for (const Case& c : {Case{"the last one", false, 0, true}, Case{"not the last one", true, 0, false},
                        Case{"its grace goes on", false, 30, false},
                        Case{"a namespace, say, that has finalizers of another kind", false, {}, false}}) {
    SCOPED_TRACE(c.name);
    const std::uint64_t base = watch_ ? stats().reconciles * 100 : 0;
    script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
      co_await client.try_patch<ConfigMap>({"a", "part"}, Patch::merge("{}"));
      co_return Outcome::done();
    };
    ConfigMap ending = made_for("part", base + 5);
    ending.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    ending.mutable_metadata()->set_deletion_grace_period_seconds(0);
    ending.mutable_metadata()->add_finalizers("ours");
    if (watch_) watch_->send("ADDED", ending);
    else start({ending}, 8);
    EXPECT_FALSE(seen().empty());
    script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
    ConfigMap answer = ending;
    if (!c.finalizers) answer.mutable_metadata()->clear_finalizers();
    if (c.grace) answer.mutable_metadata()->set_deletion_grace_period_seconds(*c.grace);
    else answer.mutable_metadata()->clear_deletion_grace_period_seconds();
    server_.answer(answer);
    touch("x", base + 30);
    EXPECT_EQ(seen().empty(), c.ends);
    watch_->send("DELETED", made_for("part", base + 31));
    EXPECT_FALSE(seen().empty());
  }
}

// Nor is it enough that it is ending, when it is known to be gone.
TEST_F(HostTest, WhatIsNotThereAnyMoreIsWaitedForToTheEnd) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    co_await client.try_patch<ConfigMap>({"a", "part"}, Patch::merge("{}"));
    co_return Outcome::done();
  };
  ConfigMap ending = made_for("part", 5);
  ending.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  start({ending}, 8);
  EXPECT_THAT(seen(), ElementsAre("x@-"));
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  server_.refuse(404, "NotFound");
  touch("x", 30);
  executor_.drain();
  meta::v1::PartialObjectMetadataList list;
  list.mutable_metadata()->set_resource_version("50");
  server_.expect();
  server_.answer(list);
  EXPECT_THAT(seen(), IsEmpty());
  watch_->send("DELETED", made_for("part", 31));
  EXPECT_THAT(seen(), ElementsAre("x@30"));
}

TEST_F(HostTest, AnUnknownOutcomeIsLookedUpBeforeTheRetry) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    ConfigMap part = made_for("", 0);
    part.mutable_metadata()->clear_name();
    part.mutable_metadata()->set_generate_name("part-");
    co_await client.create<ConfigMap>(part);
    co_return Outcome::done();
  };
  start({config_map("a/x", 3)}, 8);
  seen();
  server_.lose();
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  executor_.advance(5ms);
  EXPECT_THAT(seen(), IsEmpty());
  const HttpRequest lookup = server_.expect();
  EXPECT_EQ(lookup.target, "/api/v1/namespaces/a/configmaps");
  EXPECT_THAT(std::string(lookup.headers.get("accept")), testing::HasSubstr("as=PartialObjectMetadataList"));
  // It was made after all, at revision 20.
  meta::v1::PartialObjectMetadataList list;
  list.mutable_metadata()->set_resource_version("50");
  *list.add_items()->mutable_metadata() = config_map("a/x", 3).metadata();
  *list.add_items()->mutable_metadata() = made_for("part-1", 20).metadata();
  server_.answer(list);
  EXPECT_THAT(seen(), IsEmpty());
  watch_->send("ADDED", made_for("part-1", 20));
  EXPECT_THAT(seen(), ElementsAre("x@3"));
}

TEST_F(HostTest, AnUnknownDeletionThatHappenedWaitsForTheCache) {
  delete_with_unknown_outcome();
  EXPECT_EQ(informers::query(server_.expect(), "fieldSelector"), "metadata.name=part");
  meta::v1::PartialObjectMetadataList list;
  list.mutable_metadata()->set_resource_version("50");
  server_.answer(list);
  EXPECT_THAT(seen(), IsEmpty());
  watch_->send("DELETED", made_for("part", 31));
  EXPECT_THAT(seen(), ElementsAre("x@3"));
}

TEST_F(HostTest, AFailedLookUpIsRepeated) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    co_await client.update<ConfigMap>(config_map("a/x", 3));
    co_return Outcome::done();
  };
  start({config_map("a/x", 3)}, 8);
  seen();
  server_.refuse(409, "Conflict");
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  executor_.advance(5ms);
  server_.lose();
  EXPECT_TRUE(server_.quiet());
  executor_.advance(1s);
  meta::v1::PartialObjectMetadataList list;
  *list.add_items()->mutable_metadata() = config_map("a/x", 7).metadata();
  server_.expect();
  server_.answer(list);
  EXPECT_THAT(seen(), ElementsAre("x@3")) << "revision 8 includes 7";
}

TEST_F(HostTest, StopEndsWorkInTheMiddleAndStartBeginsAnew) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    co_await client.get<ConfigMap>({"a", "x"});
    ADD_FAILURE() << "nothing runs after the stop";
    co_return Outcome::done();
  };
  start({config_map("a/x", 3)}, 8);
  seen();
  server_.expect();
  host_.stop();
  EXPECT_FALSE(host_.running());
  server_.answer(config_map("a/x", 3));
  executor_.drain();
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  host_.start();
  catch_up({config_map("a/x", 3), config_map("a/y", 20)});
  EXPECT_THAT(seen(), IsEmpty()) << "the cache is behind what was written meanwhile";
  watch_->send("ADDED", config_map("a/y", 20));
  EXPECT_THAT(seen(), ElementsAre("x@3", "y@20"));
}

TEST_F(HostTest, ATermBeginsWhenTheCacheHasSeenDeletions) {
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  start({config_map("a/x", 3), config_map("a/y", 4)}, 8);
  seen();
  host_.stop();
  host_.start();
  executor_.drain();
  server_.lose();  // whoever cannot ask asks again
  EXPECT_THAT(seen(), IsEmpty());
  executor_.advance(1s);
  catch_up({config_map("a/x", 3)});
  EXPECT_THAT(seen(), IsEmpty());
  watch_->send("DELETED", config_map("a/y", 9));
  EXPECT_THAT(seen(), ElementsAre("x@3"));
}

TEST_F(HostTest, AKeyIsLookedAtAgainWhenItsWritesWereSeenWithoutAnEvent) {
  script_.act = [](Client& client, ObjectKey) -> Task<Outcome> {
    co_await client.create<ConfigMap>(config_map("a/part", 0));
    co_return Outcome::done();
  };
  start({config_map("a/x", 3)}, 8);
  seen();
  server_.answer(made_for("part", 20));
  script_.act = [](Client&, ObjectKey) -> Task<Outcome> { co_return Outcome::done(); };
  EXPECT_THAT(seen(), IsEmpty());
  // Made and deleted while nobody watched: only the revision tells.
  watch_->send("BOOKMARK", bookmark(21));
  EXPECT_THAT(seen(), ElementsAre("x@3"));
}

}  // namespace
}  // namespace ph::controllers
