#include "informers/metadata_of.h"

#include "informers/metadata_view.h"

namespace ph::informers::detail {
namespace {

// Beside those that the whole objects have.
std::string index_name(std::string_view name) { return "metadata/" + std::string(name); }

class MetadataStream final : public AnyStream {
 public:
  MetadataStream(std::shared_ptr<AnyStream> whole, std::shared_ptr<AnyInformer> informer)
      : whole_(std::move(whole)), informer_(std::move(informer)) {}

  Task<std::optional<AnyEvent>> next() override {
    auto event = co_await whole_->next();
    if (!event) co_return std::nullopt;
    const auto& metadata = informer_->decoder().metadata;
    co_return AnyEvent{event->kind, event->before ? metadata(event->before) : nullptr,
                       event->after ? metadata(event->after) : nullptr};
  }
  void end() override { whole_->end(); }

 private:
  const std::shared_ptr<AnyStream> whole_;
  const std::shared_ptr<AnyInformer> informer_;  // of the whole objects
};

}  // namespace

bool shows_metadata(const Decoder& decoder) {
  return decoder.metadata && decoder.field_selector.empty() && decoder.label_selector.empty();
}

MetadataOf::MetadataOf(std::shared_ptr<AnyInformer> whole, api::ResourceRef resource)
    : whole_(std::move(whole)), decoder_(metadata_decoder(std::move(resource))) {
  PH_ASSERT(shows_metadata(whole_->decoder()));
}

void MetadataOf::stop() {
  stopped_ = true;
  for (const auto& weak : streams_) {
    if (const auto stream = weak.lock()) stream->end();
  }
  streams_.clear();
}

std::vector<AnyRef> MetadataOf::metadata(std::vector<AnyRef> objects) const {
  for (AnyRef& object : objects) object = metadata(object);
  return objects;
}

AnyRef MetadataOf::find(const ObjectKey& key) const { return metadata(whole_->find(key)); }

std::vector<AnyRef> MetadataOf::list(std::string_view namespace_name) const { return metadata(whole_->list(namespace_name)); }

std::vector<AnyRef> MetadataOf::by_index(std::string_view index, std::string_view value) const {
  if (index == "namespace") return list(value);
  return metadata(whole_->by_index(index_name(index), value));
}

std::size_t MetadataOf::count(std::string_view index, std::string_view value) const {
  return whole_->count(index_name(index), value);
}

void MetadataOf::add_index(std::string name, std::function<std::vector<std::string>(const void*)> values) {
  const auto& metadata = whole_->decoder().metadata;
  whole_->add_index(index_name(name), [values = std::move(values), &metadata](const void* object) {
    const AnyRef borrowed(AnyRef(), object);  // for as long as this call
    return values(metadata(borrowed).get());
  });
}

std::unique_ptr<AnyStream> MetadataOf::events() {
  std::shared_ptr<AnyStream> whole = whole_->events();
  std::erase_if(streams_, [](const auto& stream) { return stream.expired(); });
  if (stopped_) whole->end();
  streams_.push_back(whole);
  return std::make_unique<MetadataStream>(std::move(whole), whole_);
}

}  // namespace ph::informers::detail
