// The metadata of what an informer of whole objects, or of their views, holds already: no copy, no list and no watch of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "informers/informer.h"

namespace ph::informers::detail {

// Whether its objects are all there are of their resource, and show their metadata.
bool shows_metadata(const Decoder& decoder);

// Of whatever version the resource is followed in: metadata and revisions are the same in all.
class MetadataOf final : public AnyInformer {
 public:
  // `whole` shows metadata. `resource`: what the objects are said to be of.
  MetadataOf(std::shared_ptr<AnyInformer> whole, api::ResourceRef resource);

  // Its streams end. What is asked of it is answered as before.
  void stop();

  AnyRef find(const ObjectKey& key) const override;
  std::vector<AnyRef> list(std::string_view namespace_name) const override;
  std::vector<AnyRef> by_index(std::string_view index, std::string_view value) const override;
  std::size_t count(std::string_view index, std::string_view value) const override;
  void add_index(std::string name, std::function<std::vector<std::string>(const void*)> values) override;
  std::unique_ptr<AnyStream> events() override;
  bool synced() const override { return whole_->synced(); }
  Task<void> wait_synced() override { return whole_->wait_synced(); }
  Revision revision() const override { return whole_->revision(); }
  Task<void> wait_for(Revision least) override { return whole_->wait_for(least); }
  Task<void> catch_up() override { return whole_->catch_up(); }
  std::size_t size() const override { return whole_->size(); }
  const Decoder& decoder() const override { return decoder_; }
  Client& client() override { return whole_->client(); }

 private:
  AnyRef metadata(const AnyRef& object) const { return object ? whole_->decoder().metadata(object) : nullptr; }
  std::vector<AnyRef> metadata(std::vector<AnyRef> objects) const;

  const std::shared_ptr<AnyInformer> whole_;
  const Decoder decoder_;
  bool stopped_ = false;
  std::vector<std::weak_ptr<AnyStream>> streams_;  // those of `whole_` that are read through this
};

}  // namespace ph::informers::detail
