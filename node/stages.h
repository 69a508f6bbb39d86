// Stages: a file that says what hollow pods and nodes do, and when (docs/hollow-nodes.md).
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "api/selector.h"
#include "base/time.h"
#include "node/behaviour.h"
#include "node/hollow_pod.h"
#include "node/problems.h"
#include "resources/v1.pb.h"

namespace ph::node {

// All that is wrong with a file, by path, a line each.
class StagesError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct PodStage {
  std::string name;
  std::vector<std::string> namespaces;         // empty: all
  std::optional<api::LabelSelector> selector;  // nothing, and no namespaces: only pods that name the stage
  Behaviour does;
};

// Devices of one driver on a node, one like the other.
struct DeviceStage {
  std::string driver;
  std::string name = "device";  // they are called by this and a number
  int count = 1;
  resources::v1::Device device;  // its name is theirs
};

struct NodeStage {
  std::string name;
  api::LabelSelector selector;
  Problems problems = 0;
  Duration after{};               // from the node's registration by this process
  std::optional<Duration> lasts;  // nothing: for good
  std::vector<DeviceStage> devices;
};

class Stages {
 public:
  Stages() = default;
  // A YAML or JSON document. Throws StagesError.
  static Stages parse(std::string_view text);

  // What the stages and its own annotations say of the pod: each goes before those that come earlier in the file, and annotations go
  // before all. What is wrong with annotations is added to `wrong`, and passed over.
  Behaviour behaviour_of(const HollowPod& pod, std::vector<std::string>* wrong = nullptr) const;
  // The pod as it then behaves: itself, when nobody says anything.
  std::shared_ptr<const HollowPod> shaped(std::shared_ptr<const HollowPod> pod) const;
  // Those that are for a node with such labels.
  std::vector<const NodeStage*> of_node(const google::protobuf::Map<std::string, std::string>& labels) const;

  const std::vector<PodStage>& pods() const { return pods_; }
  const std::vector<NodeStage>& nodes() const { return nodes_; }

 private:
  std::vector<PodStage> pods_;
  std::vector<NodeStage> nodes_;
};

}  // namespace ph::node
