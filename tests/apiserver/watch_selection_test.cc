// Watches of selections, against what a watch of everything says: random selections, objects and changes of built-in kinds, of
// custom ones, and of kinds that are shown as others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/rest/selection.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

constexpr const char* kNamespaces[] = {"n0", "n1", "n2"};

// An object as it is stored; `a` and `b` are what it can be selected by.
using Make = std::string (*)(const std::string& space, const std::string& name, const std::string& label, const std::string& a,
                             const std::string& b);

struct Kind {
  const char* name;
  const char* base;  // of the paths
  const char* plural;
  const char* storage;  // prefix of the keys
  const char* a;
  const char* b;
  Make make;
};

template <class T>
T with_metadata(const std::string& space, const std::string& name, const std::string& label) {
  T out;
  out.mutable_metadata()->set_namespace_(space);
  out.mutable_metadata()->set_name(name);
  (*out.mutable_metadata()->mutable_labels())["l"] = label;
  return out;
}

std::string make_pod(const std::string& space, const std::string& name, const std::string& label, const std::string& a,
                     const std::string& b) {
  auto out = with_metadata<core::v1::Pod>(space, name, label);
  out.mutable_spec()->set_node_name(a);
  out.mutable_status()->set_phase(b);
  return api::encode_envelope(out);
}

std::string make_event(const std::string& space, const std::string& name, const std::string& label, const std::string& a,
                       const std::string& b) {
  auto out = with_metadata<core::v1::Event>(space, name, label);
  out.mutable_involved_object()->set_name(a);
  out.set_reason(b);
  return api::encode_envelope(out);
}

std::string make_widget(const std::string& space, const std::string& name, const std::string& label, const std::string& a,
                        const std::string& b) {
  Json out{{"apiVersion", "x.example.com/v1"}, {"kind", "Widget"}};
  out["metadata"] = {{"labels", {{"l", label}}}, {"name", name}, {"namespace", space}};
  if (!a.empty()) out["spec"]["a"] = a;
  if (!b.empty()) out["spec"]["b"] = b;
  return out.dump();
}

const Kind kKinds[] = {
    {"pods", "/api/v1", "pods", "/registry/pods/", "spec.nodeName", "status.phase", make_pod},
    {"events", "/api/v1", "events", "/registry/events/", "involvedObject.name", "reason", make_event},
    {"events shown as another kind", "/apis/events.k8s.io/v1", "events", "/registry/events/", "regarding.name", "reason",
     make_event},
    {"custom", "/apis/x.example.com/v1", "widgets", "/registry/x.example.com/widgets/", "spec.a", "spec.b", make_widget},
    {"custom, another version", "/apis/x.example.com/v2", "widgets", "/registry/x.example.com/widgets/", "spec.a", "spec.b",
     make_widget},
};

constexpr const char* kDefinition =
    R"({"metadata":{"name":"widgets.x.example.com"},"spec":{"group":"x.example.com","scope":"Namespaced",
  "names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"},"versions":[
  {"name":"v1","served":true,"storage":true,"selectableFields":[{"jsonPath":".spec.a"},{"jsonPath":".spec.b"}],"schema":{"openAPIV3Schema":
    {"type":"object","properties":{"spec":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}}}}},
  {"name":"v2","served":true,"storage":false,"selectableFields":[{"jsonPath":".spec.a"},{"jsonPath":".spec.b"},{"jsonPath":".spec.c"}],
   "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object",
    "properties":{"a":{"type":"string"},"b":{"type":"string","default":"y"},"c":{"type":"string"}}}}}}}]}})";

// What one watch asks for, and how the test judges an object itself.
struct Asked {
  struct Term {
    std::string field;
    bool equals;
    std::string value;
  };
  std::string space, label;
  std::vector<Term> terms;

  std::string target(const Kind& kind) const {
    std::string out = kind.base;
    if (!space.empty()) out += "/namespaces/" + space;
    out += std::string("/") + kind.plural + "?watch=1";
    if (!label.empty()) out += "&labelSelector=l%3D" + label;
    if (terms.empty()) return out;
    out += "&fieldSelector=";
    for (const Term& term : terms) out += term.field + (term.equals ? "%3D" : "!%3D") + term.value + "%2C";
    return out;
  }

  // Null: it does not exist.
  bool matches(const Json* object) const {
    if (!object) return false;
    const Json& metadata = (*object)["metadata"];
    if (!space.empty() && metadata["namespace"] != space) return false;
    if (!label.empty() && metadata["labels"]["l"] != label) return false;
    return std::ranges::all_of(terms, [&](const Term& term) {
      std::string pointer = "/" + term.field;
      std::ranges::replace(pointer, '.', '/');
      return (object->value(Json::json_pointer(pointer), std::string()) == term.value) == term.equals;
    });
  }
};

std::string shown(std::string_view type, const Json& object, const std::string& revision) {
  return fmt::format("{} {}/{} {} at {}", type, object["metadata"]["namespace"].get<std::string>(),
                     object["metadata"]["name"].get<std::string>(), object["metadata"]["labels"]["l"].get<std::string>(),
                     revision);
}

std::vector<Json> parsed(const WatchLog& log) {
  std::vector<Json> out;
  for (const std::string& frame : log.frames) out.push_back(Json::parse(frame));
  return out;
}

const std::string& revision_of(const Json& object) { return object["metadata"]["resourceVersion"].get_ref<const std::string&>(); }

class World {
 public:
  World(const Kind& kind, std::uint64_t seed) : kind_(kind), rng_(seed), scope_(api_.executor) {
    const Answer defined = api_.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", kDefinition);
    EXPECT_EQ(defined.status, 201) << defined.body;
    api_.executor.drain();
    everything_ = api_.watch(std::string(kind_.base) + "/" + kind_.plural + "?watch=1");
    first_ = api_.store->revision().value;
  }

  std::string letter() { return std::string(1, "xyz"[rng_.below(3)]); }

  void change() {
    Transaction transaction;
    for (std::uint64_t i = 0, n = 1 + rng_.below(2), first = rng_.below(8); i < n; ++i) {
      const std::string space = kNamespaces[rng_.below(3)], name = fmt::format("o{}", first + i);
      const std::string a = rng_.below(4) == 0 ? "" : letter(), b = rng_.below(4) == 0 ? "" : letter();
      const bool goes = rng_.below(4) == 0;
      const std::string label = letter();
      transaction.mutations.push_back(
          {kind_.storage + space + "/" + name, goes ? std::nullopt : std::optional(kind_.make(space, name, label, a, b))});
    }
    scope_.spawn(commit(api_.store.get(), std::move(transaction)));
    if (rng_.below(3) != 0) api_.executor.drain();
  }

  void begin_to_watch() {
    api_.executor.drain();
    Watched watched;
    Asked& asked = watched.asked;
    if (rng_.below(2) == 0) asked.space = kNamespaces[rng_.below(3)];
    if (rng_.below(3) == 0) asked.label = letter();
    for (std::uint64_t i = 0, n = rng_.below(4); i < n; ++i) {
      const bool equals = rng_.below(4) != 0;
      switch (rng_.below(6)) {
        case 0: asked.terms.push_back({"metadata.name", equals, fmt::format("o{}", rng_.below(8))}); break;
        case 1: asked.terms.push_back({"metadata.namespace", equals, kNamespaces[rng_.below(3)]}); break;
        case 2:
        case 3: asked.terms.push_back({kind_.a, equals, rng_.below(4) == 0 ? "" : letter()}); break;
        default: asked.terms.push_back({kind_.b, equals, rng_.below(4) == 0 ? "" : letter()});
      }
    }
    const std::uint64_t newest = api_.store->revision().value;
    std::string target = asked.target(kind_);
    if (rng_.below(2) == 0) {
      watched.since = newest - rng_.below(std::min<std::uint64_t>(newest - first_, 60) + 1);
      target += "&resourceVersion=" + std::to_string(watched.since);
    } else {
      watched.since = newest;
      watched.initial = true;
    }
    watched.log = api_.watch(target);
    watched_.push_back(std::move(watched));
  }

  void compare() {
    api_.executor.drain();
    ASSERT_FALSE(everything_->frames.empty());
    const std::vector<Json> events = parsed(*everything_);
    std::size_t told = 0;
    for (const Watched& watched : watched_) {
      std::vector<std::string> seen;
      for (const Json& event : parsed(*watched.log)) {
        seen.push_back(shown(event["type"].get<std::string>(), event["object"], revision_of(event["object"])));
      }
      ASSERT_EQ(seen, wanted(watched, events)) << watched.asked.target(kind_) << " since " << watched.since;
      told += seen.size();
    }
    EXPECT_GT(told, 300u);
  }

 private:
  struct Watched {
    Asked asked;
    std::uint64_t since = 0;
    bool initial = false;  // begins with what exists
    std::shared_ptr<WatchLog> log;
  };

  static Task<void> commit(Store* store, Transaction transaction) { (void)co_await store->commit(std::move(transaction)); }

  // A watch that goes on at a revision of several changes is told of all of them.
  static std::uint64_t told_before(const Watched& watched, const std::vector<Json>& events) {
    const auto is_then = [&](const Json& event) { return std::stoull(revision_of(event["object"])) == watched.since; };
    return !watched.initial && std::ranges::count_if(events, is_then) > 1 ? watched.since - 1 : watched.since;
  }

  // By judging every state that there was.
  static std::vector<std::string> wanted(const Watched& watched, const std::vector<Json>& events) {
    const std::uint64_t since = told_before(watched, events);
    std::vector<std::string> out;
    std::map<std::string, const Json*> state;
    bool begun = false;
    const auto begin = [&] {
      if (std::exchange(begun, true) || !watched.initial) return;
      for (const auto& [key, object] : state) {
        if (watched.asked.matches(object)) out.push_back(shown("ADDED", *object, revision_of(*object)));
      }
    };
    for (const Json& event : events) {
      const Json& object = event["object"];
      const std::string key =
          object["metadata"]["namespace"].get<std::string>() + "/" + object["metadata"]["name"].get<std::string>();
      const Json* before = state[key];
      const Json* after = event["type"] == "DELETED" ? nullptr : &object;
      if (std::stoull(revision_of(object)) > since) {
        begin();
        const bool was = watched.asked.matches(before), is = watched.asked.matches(after);
        if (is) out.push_back(shown(was ? "MODIFIED" : "ADDED", object, revision_of(object)));
        else if (was) out.push_back(shown("DELETED", after ? *before : object, revision_of(object)));
      }
      state[key] = after;
    }
    begin();
    return out;
  }

  const Kind& kind_;
  Harness api_;
  SeededRng rng_;
  std::uint64_t first_ = 0;
  std::shared_ptr<WatchLog> everything_;
  std::vector<Watched> watched_;
  Scope scope_;
};

class WatchSelectionSeeds : public ::testing::TestWithParam<std::tuple<int, std::uint64_t>> {};

TEST_P(WatchSelectionSeeds, AgreeWithPlainEvaluation) {
  const auto [kind, seed] = GetParam();
  SCOPED_TRACE(kKinds[kind].name);
  SeededRng rng(seed);
  World world(kKinds[kind], seed);
  for (int i = 0; i < 200; ++i) {
    world.change();
    if (rng.below(3) == 0) world.begin_to_watch();
  }
  world.compare();
}

INSTANTIATE_TEST_SUITE_P(Kinds, WatchSelectionSeeds,
                         ::testing::Combine(::testing::Range(0, static_cast<int>(std::size(kKinds))), ::testing::Values(1, 2)));

// By which of several values a watch is found.
struct InterestCase {
  const char* name;
  const char* space;
  const char* fields;
  std::string wanted;  // "field=value" without the number of the resource; "": by none
};

// Of a hundred pods: all in n0, a tenth on node x, one failed.
EntryTree hundred_pods() {
  EntryTree tree;
  for (int i = 0; i < 100; ++i) {
    const std::string name = fmt::format("p{:02}", i);
    const std::string bytes = make_pod("n0", name, "l", i % 10 == 0 ? "x" : "y", i == 50 ? "Failed" : "Running");
    tree.put(std::make_shared<const Entry>(Entry{"n0/" + name, Revision{1}, share(bytes)}));
  }
  return tree;
}

const InterestCase kInterestCases[] = {
    {"everything", "", "", ""},
    {"unequal values only", "", "spec.nodeName!=x", ""},
    {"a namespace", "n0", "", "metadata.namespace=n0"},
    {"a namespace as a field", "", "metadata.namespace=n1", "metadata.namespace=n1"},
    {"a name", "", "metadata.name=a,spec.nodeName=x", "metadata.name=a"},
    {"an object", "n0", "spec.nodeName=x,metadata.name=a", "key=n0/a"},
    {"a value", "", "spec.nodeName=x,status.phase!=Failed", "spec.nodeName=x"},
    {"an empty value", "", "spec.nodeName=", "spec.nodeName="},
    {"a value in a namespace that has all", "n0", "spec.nodeName=y", "spec.nodeName=y"},
    {"a common value in a namespace that has none", "n1", "status.phase=Running", "metadata.namespace=n1"},
    {"a common value and a rare one", "", "spec.nodeName=x,status.phase=Running", "spec.nodeName=x"},
    {"a rare value and a common one", "", "spec.nodeName=y,status.phase=Pending", "status.phase=Pending"},
    {"many terms of one field", "", "spec.nodeName=x,spec.nodeName=z,status.phase=Running", "spec.nodeName=x"},
};

TEST(WatchSelection, IsFoundByTheRarestValue) {
  api::Scheme scheme = api::Scheme::builtin();
  Served served;
  served.serial = 7;
  served.resource = scheme.resource("", "v1", "pods");
  EntryTree pods = hundred_pods();
  for (const InterestCase& c : kInterestCases) {
    SCOPED_TRACE(c.name);
    const Selection selection(served, c.space, {}, api::FieldSelector::parse(c.fields));
    const auto interest = selection.interest(*pods.list());
    if (!interest) {
      EXPECT_EQ(c.wanted, "");
      continue;
    }
    std::string field = interest->field;
    if (field.starts_with("7/")) field = field.substr(2);
    EXPECT_EQ(field + "=" + interest->value, c.wanted);
  }
}

TEST(WatchSelection, ADamagedObjectIsEverybodysConcern) {
  api::Scheme scheme = api::Scheme::builtin();
  Served served;
  served.resource = scheme.resource("", "v1", "pods");
  const Selection selection(served, "", {}, api::FieldSelector::parse("spec.nodeName=x"));
  const auto interest = selection.interest(EntryList());
  ASSERT_TRUE(interest);
  const auto entry = [](std::string bytes) {
    return std::make_shared<const Entry>(Entry{"n0/a", Revision{1}, share(std::move(bytes))});
  };
  EXPECT_EQ(interest->read(entry(make_pod("n0", "a", "l", "x", ""))), "x");
  EXPECT_EQ(interest->read(entry("no envelope")), std::nullopt);
}

}  // namespace
}  // namespace ph::apiserver::testing
