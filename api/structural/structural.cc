#include "api/structural/structural.h"

#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include "api/structural/node.h"

namespace ph::api::structural {

struct Structural::Impl {
  Forest forest;
  const Node* root = nullptr;
  const Schema* schema = nullptr;
};

Structural::Structural(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Structural::~Structural() = default;

std::shared_ptr<const Structural> Structural::build(const JSONSchemaProps& schema, const GroupVersionKind& kind) {
  auto impl = std::make_unique<Impl>();
  impl->root = impl->forest.add(schema);
  impl->schema = impl->forest.schema_of(*impl->root, kind.kind.empty() ? nullptr : &kind);
  Schema& root = *const_cast<Schema*>(impl->schema);
  const std::shared_ptr<Structural> out(new Structural(std::move(impl)));
  root.structural = out.get();
  return out;
}

const Schema& Structural::schema() const { return *impl_->schema; }
const Node& Structural::root() const { return *impl_->root; }

}  // namespace ph::api::structural
