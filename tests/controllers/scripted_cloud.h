// A cloud that is told what to answer, and outlives the loops that ask it: their processes may end and begin.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controllers/cloud/options.h"
#include "controllers/cloud/provider.h"

namespace ph::controllers {

class ScriptedCloud final : public cloud::Provider, cloud::LoadBalancers, cloud::Routes, cloud::Instances {
 public:
  template <class T>
  using Answer = cloud::Answer<T>;
  using Service = core::v1::Service;

  std::string_view name() const override { return "scripted"; }
  cloud::LoadBalancers* load_balancers() override { return this; }
  cloud::Routes* routes() override { return this; }
  cloud::Instances* instances() override { return this; }

  std::map<std::string, std::vector<std::string>> balancers;  // by UID of the service: nodes
  std::map<std::string, cloud::Route> held_routes;            // by name
  std::map<std::string, cloud::Instance> machines;            // by node name
  std::set<std::string> shut_down;                            // node names
  std::string problem;                                        // what every request is answered, if it is not empty
  int requests = 0;

 private:
  template <class T>
  Answer<T> answer(T value) {
    ++requests;
    if (!problem.empty()) return std::unexpected(problem);
    return value;
  }
  Answer<void> answer() {
    ++requests;
    if (!problem.empty()) return std::unexpected(problem);
    return {};
  }

  Task<Answer<bool>> has(std::string, informers::Ref<Service> service) override {
    co_return answer(balancers.contains(service->metadata().uid()));
  }
  Task<Answer<core::v1::LoadBalancerStatus>> ensure(std::string, informers::Ref<Service> service, cloud::Nodes nodes) override {
    core::v1::LoadBalancerStatus status;
    status.add_ingress()->set_hostname(service->metadata().name() + ".example.com");
    if (problem.empty()) note(*service, nodes);
    co_return answer(std::move(status));
  }
  Task<Answer<void>> update(std::string, informers::Ref<Service> service, cloud::Nodes nodes) override {
    if (problem.empty()) note(*service, nodes);
    co_return answer();
  }
  Task<Answer<void>> remove(std::string, informers::Ref<Service> service) override {
    if (problem.empty()) balancers.erase(service->metadata().uid());
    co_return answer();
  }
  void note(const Service& service, const cloud::Nodes& nodes) {
    std::vector<std::string>& names = balancers[service.metadata().uid()];
    names.clear();
    for (const auto& node : nodes) names.push_back(node->name);
  }

  Task<Answer<std::vector<cloud::Route>>> list(std::string) override {
    std::vector<cloud::Route> out;
    for (const auto& [name, route] : held_routes) out.push_back(route);
    co_return answer(std::move(out));
  }
  Task<Answer<void>> create(std::string, std::string hint, cloud::Route route) override {
    route.name = hint + " " + route.destination;
    if (problem.empty()) held_routes[route.name] = route;
    co_return answer();
  }
  Task<Answer<void>> remove(std::string, cloud::Route route) override {
    if (problem.empty()) held_routes.erase(route.name);
    co_return answer();
  }

  Task<Answer<bool>> exists(informers::Ref<informers::NodeView> node) override {
    co_return answer(machines.contains(node->name));
  }
  Task<Answer<bool>> is_shut_down(informers::Ref<informers::NodeView> node) override {
    co_return answer(shut_down.contains(node->name));
  }
  Task<Answer<cloud::Instance>> describe(informers::Ref<informers::NodeView> node) override {
    const auto found = machines.find(node->name);
    if (found == machines.end()) co_return std::unexpected("instance not found");
    co_return answer(cloud::Instance(found->second));
  }
};

// Of one cloud for all processes.
inline std::function<std::shared_ptr<cloud::Provider>(const World&)> provider_of(std::shared_ptr<ScriptedCloud> cloud) {
  return [cloud = std::move(cloud)](const World&) -> std::shared_ptr<cloud::Provider> { return cloud; };
}

}  // namespace ph::controllers
