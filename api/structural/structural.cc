#include "api/structural/structural.h"

#include <re2/re2.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/structural/node.h"
#include "api/wire.h"
#include "base/assert.h"

namespace ph::api::structural {

namespace {

// "stable.example.com" → "com.example.stable.v1.CronTab"
std::string open_api_name(const GroupVersionKind& kind) {
  std::string out;
  for (std::string_view group = kind.group; !group.empty();) {
    const auto dot = group.rfind('.');
    out.append(group.substr(dot + 1)).append(".");
    group = dot == std::string_view::npos ? std::string_view() : group.substr(0, dot);
  }
  return out + kind.version + "." + kind.kind;
}

}  // namespace

struct Structural::Impl {
  Forest forest;
  const Node* root = nullptr;
  const Schema* schema = nullptr;
  Schema list;
  std::string props;  // the bytes of what it was made of
};

Structural::Structural(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Structural::~Structural() = default;

std::shared_ptr<const Structural> Structural::build(const JSONSchemaProps& schema, const GroupVersionKind& kind) {
  auto impl = std::make_unique<Impl>();
  impl->root = impl->forest.add(schema);
  impl->schema = impl->forest.schema_of(*impl->root, kind.kind.empty() ? nullptr : &kind);
  impl->props = schema.SerializeAsString();
  Schema& root = *const_cast<Schema*>(impl->schema);
  if (!kind.kind.empty()) {
    root.name = open_api_name(kind);
    impl->list.custom = true;
    impl->list.kind = {kind.group, kind.version, kind.kind + "List"};
    impl->list.name = open_api_name(*impl->list.kind);
    impl->list.element = &root;
  }
  const std::shared_ptr<Structural> out(new Structural(std::move(impl)));
  root.structural = out.get();
  return out;
}

const Schema& Structural::schema() const { return *impl_->schema; }
const Schema& Structural::list_schema() const { return impl_->list; }
std::string Structural::open_api() const {
  JSONSchemaProps props;
  const bool parsed = wire::parse(impl_->props, props);
  PH_ASSERT(parsed);
  return encode_json(props);
}
const Node& Structural::root() const { return *impl_->root; }

}  // namespace ph::api::structural
