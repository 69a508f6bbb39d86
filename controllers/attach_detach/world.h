// What the informers show of nodes, their pods and volumes, put together for one node.
#pragma once

#include <string>

#include "controllers/attach_detach/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers::attach_detach {

class Seen {
 public:
  // Adds the indexes that are asked below.
  explicit Seen(const World& world);

  Facts facts_of(const std::string& node) const;

 private:
  std::vector<Wanted> wanted_on(const std::string& node) const;
  std::vector<Existing> existing_on(const std::string& node) const;
  void look_elsewhere(const std::string& node, Wanted& wanted) const;

  Informer<PodView>& pods_;
  Informer<NodeView>& nodes_;
  Informer<Claim>& claims_;
  Informer<Volume>& volumes_;
  Informer<Attachment>& attachments_;
  Informer<Driver>& drivers_;
};

// The attachment that a wanted volume waits for, or has. It is there.
Ref<Attachment> attachment_to(const Facts& facts, const Wanted& wanted);

// Keys of the nodes whose pods name the claim, or that of the volume; of an attachment its own node besides.
LoopBuilder::Keys nodes_of_claim(const World& world, const ObjectKey& claim);
LoopBuilder::Keys nodes_of_volume(const World& world, const Volume& volume);
LoopBuilder::Keys nodes_of_attachment(const World& world, const Attachment& attachment);

}  // namespace ph::controllers::attach_detach
