// Who selects whom, by the indexes: the same as by looking at everything.
#include "controllers/common/label_index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "controllers/common/services.h"
#include "tests/informers/scripted_server.h"

namespace ph::controllers {
namespace {

using core::v1::Pod, core::v1::Service;
using testing::ElementsAre, testing::IsEmpty;

using Labels = std::map<std::string, std::string>;

class LabelIndexTest : public testing::Test {
 protected:
  ~LabelIndexTest() override { informers_.stop(); }

  void start(const std::vector<Pod>& pods, const std::vector<Service>& services) {
    index_by_selection(informers_.informer<Service>(), informers_.informer<PodView>());
    fill(services);
    fill(pods);
  }
  template <class T>
  void fill(const std::vector<T>& objects) {
    server_.expect();
    watches_.push_back(server_.accept_watch());
    for (const T& object : objects) watches_.back().send("ADDED", object);
    watches_.back().send("BOOKMARK", informers::bookmark(100, true));
    executor_.drain();
  }
  static Pod pod(const std::string& key, const Labels& labels) {
    Pod out = informers::object_of<Pod>(key, 3);
    for (const auto& [name, value] : labels) (*out.mutable_metadata()->mutable_labels())[name] = value;
    return out;
  }
  static Service service(const std::string& key, const Labels& selector) {
    Service out = informers::object_of<Service>(key, 3);
    for (const auto& [name, value] : selector) (*out.mutable_spec()->mutable_selector())[name] = value;
    return out;
  }
  std::vector<std::string> selected(const Service& service) {
    std::vector<std::string> out;
    for (const auto& pod : selected_by(service, informers_.informer<PodView>())) out.push_back(pod->key().text());
    return out;
  }
  // Of the services that have endpoints.
  std::vector<std::string> services(const std::string& pod) {
    std::vector<std::string> out;
    const auto view = informers_.informer<PodView>().find(ObjectKey::parse(pod));
    for (const auto& service : who_may_select(*view, informers_.informer<Service>())) {
      if (selects(*service, *view)) out.push_back(service->metadata().name());
    }
    return out;
  }

  sim::SimExecutor executor_;
  informers::ScriptedServer server_{executor_};
  informers::Client client_{server_, "test"};
  SeededRng rng_{1};
  Informers informers_{executor_, client_, rng_, Log()};
  std::vector<informers::ScriptedServer::Watch> watches_;
};

TEST_F(LabelIndexTest, FindsWhatSelectsAndIsSelected) {
  const Service web = service("a/web", {{"app", "web"}}), front = service("a/front", {{"tier", "front"}, {"app", "web"}}),
                nobody = service("a/nobody", {}), elsewhere = service("b/web", {{"app", "web"}});
  start({pod("a/1", {{"app", "web"}, {"tier", "front"}}), pod("a/2", {{"app", "web"}, {"tier", "back"}}),
         pod("a/3", {{"app", "db"}, {"tier", "front"}}), pod("a/4", {}), pod("b/1", {{"app", "web"}})},
        {web, front, nobody, elsewhere});
  EXPECT_THAT(selected(web), ElementsAre("a/1", "a/2"));
  EXPECT_THAT(selected(front), ElementsAre("a/1"));
  EXPECT_THAT(selected(elsewhere), ElementsAre("b/1"));
  EXPECT_THAT(services("a/1"), testing::UnorderedElementsAre("web", "front"));
  EXPECT_THAT(services("a/2"), ElementsAre("web"));
  EXPECT_THAT(services("a/3"), IsEmpty());
  EXPECT_THAT(services("a/4"), IsEmpty());

  Pod changed = pod("a/3", {{"app", "web"}, {"tier", "front"}});
  changed.mutable_metadata()->set_resource_version("101");
  watches_[1].send("MODIFIED", changed);
  executor_.drain();
  EXPECT_THAT(selected(front), ElementsAre("a/1", "a/3"));
  EXPECT_THAT(services("a/3"), testing::UnorderedElementsAre("web", "front"));
}

TEST_F(LabelIndexTest, LooksAtThePodsOfTheRarestLabel) {
  std::vector<Pod> pods;
  for (int i = 0; i < 20; ++i) pods.push_back(pod(fmt::format("a/{:02}", i), {{"all", "yes"}, {"app", i < 3 ? "web" : "db"}}));
  start(pods, {});
  const auto found = [&](const Labels& labels) {
    const google::protobuf::Map<std::string, std::string> map(labels.begin(), labels.end());
    return pods_with_some_of(informers_.informer<PodView>(), "a", map).size();
  };
  EXPECT_EQ(found({{"all", "yes"}, {"app", "web"}}), 3u);
  EXPECT_EQ(found({{"app", "db"}, {"all", "yes"}}), 17u);
  EXPECT_EQ(found({{"app", "none"}, {"all", "yes"}}), 0u);
  EXPECT_EQ(found({}), 20u);
}

}  // namespace
}  // namespace ph::controllers
